"""Bringing schedules up to date with the code, at `manage.py migrate` and at the start of a worker.

The code declares, people override: an edited frequency and a pause stay, everything else follows the code. A schedule
that is gone from the code stops, keeps its row, and resumes from then on when it comes back. A worker whose code has
been replaced meanwhile changes nothing: see `releases`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import transaction

from deferapp.clock import now
from deferapp.cron import next_after, parse
from deferapp.exceptions import InvalidFrequency
from deferapp.functions import registry
from deferapp.models import Schedule, ledger
from deferapp.schedules import beat, edits, releases

if TYPE_CHECKING:
    from deferapp.functions.function import ScheduledFunction

logger = logging.getLogger("deferapp.schedules")


def sync(*, is_meant: bool = True) -> bool:
    """Make the rows of the ledger and of beat what code and people say. Harmless to repeat, also by two at once.

    False if it has to be repeated: a schedule that is due fires as it was before it gets another frequency. `is_meant`
    says that a person wants this code, which a worker that starts cannot know.
    """
    with transaction.atomic(using=ledger()):
        is_done = edits.absorb()
        functions = registry.scheduled()
        if not releases.may_take_effect(functions, is_meant=is_meant):
            logger.warning("Schedules stay as newer code has them. If this code is meant: python manage.py migrate")
            return is_done
        for function in functions:
            is_done &= _sync_declared(function)
        for schedule in Schedule.objects.exclude(function__in=[function.name for function in functions]):
            _sync_removed(schedule)
    return is_done


def _sync_declared(function: ScheduledFunction[..., Any]) -> bool:
    declared = parse(function.frequency).text
    schedule, created = Schedule.objects.get_or_create(
        function=function.name, defaults={"declared_frequency": declared, "frequency": declared}
    )
    before = (schedule.frequency, schedule.is_active)
    frequency = schedule.frequency if schedule.is_overridden and _is_readable(schedule) else declared
    if frequency != schedule.frequency and schedule.is_due(now()) and _is_readable(schedule):
        return False
    schedule.frequency = frequency
    schedule.declared_frequency = declared
    schedule.catch_up = function.catch_up
    schedule.is_declared = True
    if created or before != (schedule.frequency, schedule.is_active):
        schedule.next_due_at = next_after(parse(schedule.frequency), now()) if schedule.is_active else None
    schedule.save()
    beat.write(schedule)
    return True


def _is_readable(schedule: Schedule) -> bool:
    try:
        parse(schedule.frequency)
    except InvalidFrequency:
        return False
    return True


def _sync_removed(schedule: Schedule) -> None:
    if schedule.is_declared:
        schedule.is_declared, schedule.next_due_at = False, None
        schedule.save(update_fields=["is_declared", "next_due_at"])
        if _is_readable(schedule):
            beat.write(schedule)
