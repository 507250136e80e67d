"""What people do with a schedule: pause, resume, edit, reset, run now. (`backfill` has a module of its own.)

Each is one transaction that writes the schedule and beat's rows together, after it has taken over what somebody may
have edited in beat's rows meanwhile; so it is the same whether one edits here or there. Who may do what is for the
caller to know; `by` is a user name that is remembered. A schedule that is gone from the code is left as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Final

from django.db import connections, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from deferapp.clock import now
from deferapp.cron import next_after, parse
from deferapp.exceptions import InvalidFrequency, ScheduleError
from deferapp.functions import registry
from deferapp.functions.function import ScheduledFunction
from deferapp.models import Execution, Schedule, ledger
from deferapp.schedules import beat, edits, silence
from deferapp.schedules.fire import fire

logger = logging.getLogger("deferapp.schedules")

_MOST_PASSES: Final = 20
"""Of `fire`, before an edit: 10,000 moments. What has more to catch up with is left to the workers."""


@contextmanager
def edited_in_beat(schedule: Schedule, *, by: str, is_pause: bool) -> Iterator[tuple[Schedule, Schedule]]:
    """Around the save of beat's row by a person: what they edit there is taken over at once, and as theirs.

    Gives the schedule as it was, and the one that is as it has become at the end of the block. A pause is in effect at
    once; before any other edit what is due fires. Raises `ScheduleError`.
    """
    with transaction.atomic(using=ledger()):
        locked = lock_declared(schedule)
        if not is_pause:
            _fire_what_is_due(locked)
        edits.absorb_one(locked, even_if_due=True)
        yield copy(locked), locked
        edits.absorb_one(locked, by=by, even_if_due=True)


def find(function: str) -> Schedule:
    """The schedule of the function of this name. Raises `ScheduleError`."""
    schedule = Schedule.objects.using(ledger()).filter(function=function).first()
    if schedule is None:
        raise ScheduleError(_("There is no schedule of %(function)s.") % {"function": function})
    return schedule


def pause(schedule: Schedule, *, by: str = "") -> Schedule:
    """Let it not fire from now on, also what is due already. Harmless to repeat. Raises `ScheduleError`."""
    with transaction.atomic(using=ledger()):
        locked = lock_declared(schedule)
        edits.absorb_one(locked, even_if_due=True)
        if not locked.is_paused:
            locked.is_paused = True
            _write(locked, by)
            logger.info("%s was paused by %s", locked.function, by or "somebody")
    return locked


def resume(schedule: Schedule, *, by: str = "") -> Schedule:
    """Let it fire again, from now: what was due meanwhile is not made up for. Raises `ScheduleError`."""
    with transaction.atomic(using=ledger()):
        locked = lock_declared(schedule)
        edits.absorb_one(locked)
        if locked.is_paused:
            locked.is_paused = False
            _write(locked, by)
            logger.info("%s was resumed by %s", locked.function, by or "somebody")
    return locked


def edit(schedule: Schedule, frequency: str, *, by: str = "", seen: str | None = None) -> Schedule:
    """Override the frequency that the code declares. What has passed fires as it was, before.

    `seen` is the frequency that the person saw: if it is another one by now, nothing is changed. Raises
    `InvalidFrequency` for what cannot be read, and `ScheduleError`.
    """
    text = parse(frequency).text
    with _before_an_edit(schedule, seen) as locked:
        _change_frequency(locked, text, by)
    return locked


def reset(schedule: Schedule, *, by: str = "", seen: str | None = None) -> Schedule:
    """End an override: the frequency is the code's again, and follows it. A pause stays. As `edit` otherwise."""
    with _before_an_edit(schedule, seen) as locked:
        _change_frequency(locked, locked.declared_frequency, by)
    return locked


def run_now(schedule: Schedule, *, by: str = "", wish: str = "") -> Execution:
    """Enqueue an execution for now, besides those of the schedule. Raises `ScheduleError`.

    The same wish, as that of a form which is sent twice, gives the same execution.
    """
    function = function_of(schedule)
    if wish:
        function = function.options(key=f"run now {wish}")
    execution = function.run_now()
    logger.info("%s was run by %s", schedule.function, by or "somebody")
    return execution


def function_of(schedule: Schedule) -> ScheduledFunction[..., object]:
    """The function that it runs. Raises `ScheduleError` if it is gone from the code, or from that of this process."""
    function = registry.get(schedule.function)
    if not schedule.is_declared or not isinstance(function, ScheduledFunction):
        raise ScheduleError(_("The function %(function)s is gone from the code.") % {"function": schedule.function})
    return function


def lock_declared(schedule: Schedule) -> Schedule:
    """The schedule as it is, which nobody else changes until the transaction ends. Raises `ScheduleError`."""
    rows = Schedule.objects.using(ledger()).filter(pk=schedule.pk)
    if not connections[ledger()].features.has_select_for_update:
        rows.update(function=F("function"))  # A read alone would not lock SQLite.
    locked = rows.select_for_update().get()
    if not locked.is_declared:
        raise ScheduleError(_("The function %(function)s is gone from the code.") % {"function": locked.function})
    return locked


def check_seen(schedule: Schedule, seen: str | None) -> None:
    """Raises `ScheduleError` if the frequency is another one than a person saw."""
    if seen is not None and schedule.frequency != seen:
        raise ScheduleError(
            _("The frequency has been changed meanwhile: it is %(now)s, and was %(seen)s. Look again.")
            % {"now": schedule.frequency, "seen": seen}
        )


@contextmanager
def _before_an_edit(schedule: Schedule, seen: str | None) -> Iterator[Schedule]:
    with transaction.atomic(using=ledger()):
        locked = lock_declared(schedule)
        _fire_what_is_due(locked)
        edits.absorb_one(locked)
        check_seen(locked, seen)
        yield locked


def _fire_what_is_due(schedule: Schedule) -> None:
    """No moment that has passed is lost by an edit, and none is made up."""
    moment = now()
    for _pass in range(_MOST_PASSES):
        if not schedule.is_due(moment):
            return
        for each in fire([schedule], moment):
            silence.owe_ring(each.latest)
    raise ScheduleError(_("It is still catching up with what was due before. Try again in a minute."))


def _change_frequency(schedule: Schedule, text: str, by: str) -> None:
    if text == schedule.frequency:
        return
    before, schedule.frequency = schedule.frequency, text
    _write(schedule, by)
    logger.info("%s was edited by %s: %s, was %s", schedule.function, by or "somebody", text, before)


def _write(schedule: Schedule, by: str) -> None:
    """Write the schedule, and beat's rows if they can say it."""
    schedule.mark_edited(by, now())
    try:
        expression = parse(schedule.frequency)
    except InvalidFrequency:
        schedule.next_due_at = None
    else:
        schedule.next_due_at = next_after(expression, now()) if schedule.is_active else None
        beat.write(schedule)
    schedule.save(update_fields=["frequency", "is_paused", "edited_at", "edited_by", "next_due_at"])
