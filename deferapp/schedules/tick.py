"""The tick: every schedule that is due fires, once for each due moment, whoever ticks and however often.

Beat rings it, every worker does it every second anyway. Two ticks at once share the work: each takes the schedules
that the other has not locked, and what guarantees "once" is that a due moment, and the execution it makes, has a key
that follows from schedule and moment.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import connections, transaction
from django.db.models import Min, QuerySet

from deferapp import clock, conf, signals
from deferapp.cron import parse
from deferapp.dispatch import publish
from deferapp.exceptions import InvalidFrequency
from deferapp.executions import tell
from deferapp.executions.ids import due_id
from deferapp.models import DueMoment, Execution, Schedule, ledger
from deferapp.schedules import edits, silence
from deferapp.schedules.plan import Plan, plan

logger = logging.getLogger("deferapp.schedules")


def tick(now: datetime | None = None) -> int:
    """Fire what is due by `now`. Returns how many executions that made."""
    moment = now or clock.now()
    edits.absorb_if_changed()
    plans = list(_carried_out(moment))
    if plans:
        silence.owe_ring(max(plan.latest for plan in plans))
        edits.absorb_if_changed()  # those that waited until their schedule had fired
    return sum(len(plan.fire) for plan in plans)


def next_due() -> datetime | None:
    """When a schedule will be due next; what is due by now is left out, since it has been tried."""
    active = Schedule.objects.using(ledger()).filter(is_declared=True, is_paused=False)
    earliest: datetime | None = active.filter(next_due_at__gt=clock.now()).aggregate(at=Min("next_due_at"))["at"]
    return earliest


def _carried_out(moment: datetime) -> Iterator[Plan]:
    """Fire until nothing is due, or others have what is."""
    while _due(moment).exists():
        plans = _fire(moment)
        if plans is None:
            return
        yield from plans


def _due(moment: datetime) -> QuerySet[Schedule]:
    return Schedule.objects.using(ledger()).filter(next_due_at__lte=moment, is_declared=True, is_paused=False)


def _fire(moment: datetime) -> list[Plan] | None:
    """One pass over the due schedules; None if others have them all."""
    with transaction.atomic(using=ledger()):
        skip_locked = connections[ledger()].features.has_select_for_update_skip_locked
        schedules = list(_due(moment).select_for_update(skip_locked=skip_locked))
        if not schedules:
            return None
        plans = [(schedule, _plan(schedule, moment)) for schedule in schedules if _is_readable(schedule)]
        _enqueue(plans)
        _record(plans, moment)
    return [plan for _, plan in plans]


def _is_readable(schedule: Schedule) -> bool:
    """One that cannot be read must not keep the others from firing."""
    try:
        parse(schedule.frequency)
    except InvalidFrequency as error:
        logger.error("%s does not fire any more: %s", schedule.function, error)
        Schedule.objects.using(ledger()).filter(pk=schedule.pk).update(next_due_at=None)
        return False
    return True


def _plan(schedule: Schedule, moment: datetime) -> Plan:
    return plan(schedule.frequency, schedule.catch_up, schedule.next_due_at or moment, moment)


def _enqueue(plans: Iterable[tuple[Schedule, Plan]]) -> None:
    executions = [
        Execution(
            id=due_id(schedule.function, due_at),
            function=schedule.function,
            due_at=due_at,
            dispatch_at=clock.now() + conf.republish_after(),
        )
        for schedule, each in plans
        for due_at in each.fire
    ]
    with tell.of_new(executions):
        Execution.objects.using(ledger()).bulk_create(executions, ignore_conflicts=True, batch_size=500)
    for execution in executions:
        publish.on_commit(execution.function, [execution.id])


def _record(plans: Iterable[tuple[Schedule, Plan]], moment: datetime) -> None:
    moments = []
    for schedule, each in plans:
        moments += [_due_moment(schedule, due_at, moment, fired=True) for due_at in each.fire]
        moments += [_due_moment(schedule, due_at, moment, fired=False) for due_at in each.missed]
        schedule.next_due_at = each.next_due_at
        _tell_of_missed(schedule, each.missed)
    DueMoment.objects.using(ledger()).bulk_create(moments, ignore_conflicts=True, batch_size=500)
    Schedule.objects.using(ledger()).bulk_update([schedule for schedule, _ in plans], ["next_due_at"], batch_size=500)


def _tell_of_missed(schedule: Schedule, moments: Iterable[datetime]) -> None:
    tell.after_commit(signals.missed, Schedule, lambda: ({"schedule": schedule, "due_at": each} for each in moments))


def _due_moment(schedule: Schedule, due_at: datetime, moment: datetime, *, fired: bool) -> DueMoment:
    execution_id = due_id(schedule.function, due_at) if fired else None
    return DueMoment(schedule=schedule, due_at=due_at, decided_at=moment, execution_id=execution_id)
