"""Firing: what a schedule's due moments become, executions or missed ones, in the transaction of the caller.

The caller has locked the schedules. What guarantees "once" besides is that a due moment, and the execution it makes,
has a key that follows from schedule and moment.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from deferapp import clock, conf, signals
from deferapp.alerts import missed
from deferapp.cron import parse
from deferapp.dispatch import publish
from deferapp.exceptions import InvalidFrequency
from deferapp.executions import tell
from deferapp.executions.ids import due_id
from deferapp.models import DueMoment, Execution, Schedule, ledger
from deferapp.schedules.plan import Plan, plan

logger = logging.getLogger("deferapp.schedules")


def fire(schedules: Iterable[Schedule], moment: datetime) -> list[Plan]:
    """Decide and carry out what is due by `moment`, up to `MOST_AT_ONCE` moments of each schedule."""
    plans = [(schedule, _plan(schedule, moment)) for schedule in schedules if _is_readable(schedule)]
    enqueue([_execution(schedule, due_at) for schedule, each in plans for due_at in each.fire])
    _record(plans, moment)
    return [plan for _, plan in plans]


def enqueue(executions: Sequence[Execution]) -> None:
    """Write the executions of due moments, those that are there already excepted, and publish them on commit."""
    with tell.of_new(executions):
        Execution.objects.using(ledger()).bulk_create(executions, ignore_conflicts=True, batch_size=500)
    for execution in executions:
        publish.on_commit(execution.function, [execution.id])


def due_moment(schedule: Schedule, due_at: datetime, moment: datetime, *, fired: bool) -> DueMoment:
    execution_id = due_id(schedule.function, due_at) if fired else None
    return DueMoment(schedule=schedule, due_at=due_at, decided_at=moment, execution_id=execution_id)


def _is_readable(schedule: Schedule) -> bool:
    """One that cannot be read must not keep the others from firing."""
    try:
        parse(schedule.frequency)
    except InvalidFrequency as error:
        logger.error("%s does not fire any more: %s", schedule.function, error)
        schedule.next_due_at = None
        Schedule.objects.using(ledger()).filter(pk=schedule.pk).update(next_due_at=None)
        return False
    return True


def _plan(schedule: Schedule, moment: datetime) -> Plan:
    return plan(schedule.frequency, schedule.catch_up, schedule.next_due_at or moment, moment)


def _execution(schedule: Schedule, due_at: datetime) -> Execution:
    return Execution(
        id=due_id(schedule.function, due_at),
        function=schedule.function,
        due_at=due_at,
        dispatch_at=clock.now() + conf.republish_after(),
    )


def _record(plans: Iterable[tuple[Schedule, Plan]], moment: datetime) -> None:
    moments = []
    for schedule, each in plans:
        moments += [due_moment(schedule, due_at, moment, fired=True) for due_at in each.fire]
        moments += [due_moment(schedule, due_at, moment, fired=False) for due_at in each.missed]
        schedule.next_due_at = each.next_due_at
        _tell_of_missed(schedule, each.missed)
        missed.record(schedule.function, each.missed)
    DueMoment.objects.using(ledger()).bulk_create(moments, ignore_conflicts=True, batch_size=500)
    Schedule.objects.using(ledger()).bulk_update([schedule for schedule, _ in plans], ["next_due_at"], batch_size=500)
    missed.ran([schedule.function for schedule, each in plans if each.fire and not each.missed])


def _tell_of_missed(schedule: Schedule, moments: Iterable[datetime]) -> None:
    tell.after_commit(signals.missed, Schedule, lambda: ({"schedule": schedule, "due_at": each} for each in moments))
