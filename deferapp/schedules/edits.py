"""Edits that people make to beat's rows in Django admin: read as overrides of what the code declares.

A field of the first row that is not as we wrote it replaces that field of the frequency, and is read as standard cron
in UTC. What cannot be read so is logged and put back, because a row that Celery cannot load silences beat; so is a row
that was deleted, since a schedule ends by its code and rests by a pause.

A schedule that is due fires as it was before it gets another frequency: no moment that has passed is lost by an edit,
and none is made up. A pause is in effect at once.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any, Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from deferapp.clock import now
from deferapp.cron import columns, next_after, parse
from deferapp.exceptions import InvalidFrequency
from deferapp.models import Schedule, ledger
from deferapp.schedules import TICK, beat

logger = logging.getLogger("deferapp.schedules")

_FIELDS: Final = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
_seen: object = None


def absorb_if_changed() -> None:
    """`absorb`, if beat's rows have changed since this process last looked.

    Whatever may be in those rows, it must not keep schedules from firing: what cannot be absorbed is logged, once.
    """
    global _seen
    latest = PeriodicTasks.objects.using(beat.database()).values_list("last_update", flat=True).first()
    if _seen is not None and latest == _seen:
        return
    try:
        is_done = absorb()
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("Beat's rows cannot be read; schedules go on as they were")
        is_done = True
    if is_done:
        _seen = latest or "nothing yet"


def absorb() -> bool:
    """Take over what people have edited, and put back what cannot be. False if an edit waits until its schedule fired.

    The schedules are locked before beat's rows are read: a deployment of which only one of both is seen would look
    like an edit, and be undone.
    """
    with transaction.atomic(using=ledger()):
        schedules = list(Schedule.objects.using(ledger()).select_for_update().order_by("pk"))
        tasks = {task.name: task for task in _tasks()}
        done = [_try_to_absorb(schedule, tasks.get(beat.names(schedule.function)[0])) for schedule in schedules]
    return all(done)


def absorb_one(schedule: Schedule, *, by: str = "", even_if_due: bool = False) -> bool:
    """`absorb` for one schedule, which the caller has locked, before a person changes it elsewhere.

    `by` is who made the edit, where that is known. With `even_if_due` an edit does not wait until its schedule fired.
    """
    task = _tasks().filter(name=beat.names(schedule.function)[0]).first()
    return _try_to_absorb(schedule, task, by=by, even_if_due=even_if_due)


def _tasks() -> QuerySet[PeriodicTask]:
    """Beat's rows that ring for us, with the time zone as plain text: one that is unknown here cannot be loaded."""
    zone = Cast("crontab__timezone", CharField())
    rows = PeriodicTask.objects.using(beat.database()).filter(task=TICK).annotate(zone=zone)
    without_zone: QuerySet[PeriodicTask] = rows.select_related("crontab").defer("crontab__timezone")
    return without_zone


def _try_to_absorb(schedule: Schedule, task: PeriodicTask | None, *, by: str = "", even_if_due: bool = False) -> bool:
    """One schedule that cannot be read must not keep the edits of others from being seen."""
    try:
        if task is not None:
            return _absorb(schedule, task, by, even_if_due=even_if_due)
        if schedule.is_declared:
            logger.error("%s has lost its periodic task, which is put back", schedule.function)
            beat.write(schedule)
    except InvalidFrequency as error:
        logger.error("%s has a frequency that cannot be read: %s", schedule.function, error)
    return True


def _absorb(schedule: Schedule, task: Any, by: str, *, even_if_due: bool) -> bool:
    frequency = _edited_frequency(schedule, task.crontab, task.zone)
    is_paused = not task.enabled if schedule.is_declared else schedule.is_paused
    waits = not is_paused and not even_if_due and schedule.is_due(now())
    if frequency != schedule.frequency and waits:
        return False
    if (frequency, is_paused) != (schedule.frequency, schedule.is_paused):
        schedule.frequency, schedule.is_paused = frequency, is_paused
        schedule.mark_edited(by, now())
        schedule.next_due_at = next_after(parse(frequency), now()) if schedule.is_active else None
        schedule.save(update_fields=["frequency", "is_paused", "edited_at", "edited_by", "next_due_at"])
        logger.info("%s was edited: %s%s", schedule.function, frequency, ", paused" if is_paused else "")
    beat.write(schedule, task)
    return True


def _edited_frequency(schedule: Schedule, row: CrontabSchedule | None, zone: str | None) -> str:
    if row is None or zone != "UTC":
        logger.error("%s keeps its frequency: schedules are crontabs in UTC", schedule.function)
        return schedule.frequency
    expression = parse(schedule.frequency)
    written = asdict(columns(expression)[0])
    texts = expression.text.split() if " " in expression.text else expression.canonical.split()
    in_effect = dict(zip(_FIELDS, texts, strict=True))
    edited = {name: value for name in _FIELDS if (value := getattr(row, name)) != written[name]}
    if not edited:
        return schedule.frequency
    try:
        return parse(" ".join({**in_effect, **edited}.values())).text
    except InvalidFrequency as error:
        logger.error("%s keeps its frequency %s: %s", schedule.function, schedule.frequency, error)
        return schedule.frequency
