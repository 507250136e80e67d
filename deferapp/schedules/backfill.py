"""Firing due moments of the past: those that were missed, or passed while nobody had the schedule yet.

The moments are those of the frequency as it is today. One that has fired does not fire again, whoever asks and however
often: due moments, and the ids of their executions, are unique. Honest limits: what a schedule will decide by itself in
a moment is left to it; and moments are refused of which the ledger no longer knows whether they fired: see
`deferapp.schedules.prune`.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from deferapp import conf
from deferapp.clock import now, ordered_now
from deferapp.cron import parse, times_after
from deferapp.exceptions import ScheduleError
from deferapp.executions.ids import due_id
from deferapp.models import DueMoment, Execution, Schedule, ledger
from deferapp.schedules import fire, prune
from deferapp.schedules.manage import check_seen, function_of, lock_declared

logger = logging.getLogger("deferapp.schedules")

MOST: Final = 1_000
"""Due moments that a range may hold."""
_BEFORE: Final = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Backfill:
    """What becomes, or became, of the due moments of a range."""

    fires: tuple[datetime, ...]
    """Those that did not fire, in order."""
    missed: int
    """How many of these the ledger has as missed; the others were never decided."""
    already_fired: int


def look(schedule: Schedule, begins_at: datetime, ends_at: datetime) -> Backfill:
    """What `backfill` would do with a range, both ends included.

    Raises `ScheduleError` if that is nothing, or too much, and `ValueError` for a moment without a time zone.
    """
    function_of(schedule)
    moments = _moments(schedule, begins_at, ends_at)
    return _sorted_out(moments, _known(schedule, moments))


def backfill(
    schedule: Schedule, begins_at: datetime, ends_at: datetime, *, by: str = "", seen: str | None = None
) -> Backfill:
    """Enqueue an execution for each due moment of the range that has not fired. As `look`; `seen` as in `edit`."""
    function_of(schedule)
    with transaction.atomic(using=ledger()):
        locked = lock_declared(schedule)
        check_seen(locked, seen)
        moments = _moments(locked, begins_at, ends_at)
        known = _known(locked, moments)
        result = _sorted_out(moments, known)
        _fire(locked, result.fires, known)
    logger.info("%s was backfilled by %s: %d moments", schedule.function, by or "somebody", len(result.fires))
    return result


def _moments(schedule: Schedule, begins_at: datetime, ends_at: datetime) -> list[datetime]:
    moment = now()
    _check_range(begins_at, ends_at, moment)
    last = min(ends_at, moment)
    if schedule.is_active and schedule.next_due_at is not None:
        last = min(last, schedule.next_due_at - _BEFORE)
    later = times_after(parse(schedule.frequency), begins_at - _BEFORE)
    found = list(itertools.islice(itertools.takewhile(lambda due: due <= last, later), MOST + 1))
    if not found:
        raise ScheduleError(_("There is no due moment in this range that has passed."))
    if len(found) > MOST:
        raise ScheduleError(
            _("There are more than %(most)s due moments in this range. Choose a shorter one.")
            % {"most": number_format(MOST, force_grouping=True)}
        )
    return found


def _check_range(begins_at: datetime, ends_at: datetime, moment: datetime) -> None:
    if ends_at < begins_at:
        raise ScheduleError(_("The range ends before it begins."))
    known_from = prune.known_since(moment)
    if known_from is not None and begins_at < known_from:
        raise ScheduleError(
            _(
                "Due moments are kept for a time only: whether moments before %(earliest)s UTC fired is not known any "
                "more. Begin later."
            )
            % {"earliest": f"{known_from:%Y-%m-%d %H:%M}"}
        )


def _known(schedule: Schedule, moments: Sequence[datetime]) -> dict[datetime, DueMoment]:
    rows = DueMoment.objects.using(ledger()).filter(schedule=schedule, due_at__in=moments)
    return {row.due_at: row for row in rows}


def _sorted_out(moments: Sequence[datetime], known: dict[datetime, DueMoment]) -> Backfill:
    fired = {due_at for due_at, row in known.items() if row.execution_id is not None}
    fires = tuple(due_at for due_at in moments if due_at not in fired)
    return Backfill(
        fires=fires, missed=sum(due_at in known for due_at in fires), already_fired=len(moments) - len(fires)
    )


def _fire(schedule: Schedule, moments: Sequence[datetime], known: dict[datetime, DueMoment]) -> None:
    """Due now, not then: these executions have not been waiting since."""
    fire.enqueue([_execution(schedule, due_at) for due_at in moments])
    moment = now()
    new = [fire.due_moment(schedule, due_at, moment, fired=True) for due_at in moments if due_at not in known]
    DueMoment.objects.using(ledger()).bulk_create(new, ignore_conflicts=True, batch_size=500)
    missed = [known[due_at] for due_at in moments if due_at in known]
    for each in missed:
        each.execution_id, each.decided_at = due_id(schedule.function, each.due_at), moment
    DueMoment.objects.using(ledger()).bulk_update(missed, ["execution", "decided_at"], batch_size=500)


def _execution(schedule: Schedule, due_at: datetime) -> Execution:
    moment = ordered_now()
    return Execution(
        id=due_id(schedule.function, due_at),
        function=schedule.function,
        created_at=moment,
        due_at=moment,
        dispatch_at=moment + conf.republish_after(),
    )
