"""The rows by which django-celery-beat rings: for each schedule one or two periodic tasks, in UTC.

A ring only says "look what is due"; so the rows may be late, doubled or missing without harm. People edit the first
row in Django admin, and `edits` reads that.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from django.db import router
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from deferapp.cron import BeatColumns, columns, parse
from deferapp.models import Schedule
from deferapp.schedules import TICK

_PREFIX: Final = "deferapp: "
_SECOND: Final = " (weekdays)"


def names(function: str) -> tuple[str, str]:
    """What the two periodic tasks of a function's schedule are called. The second is there when both day fields are."""
    name = f"{_PREFIX}{function}"
    limit = PeriodicTask._meta.get_field("name").max_length or 200
    return name[:limit], name[: limit - len(_SECOND)] + _SECOND


def owner(name: str) -> Schedule | None:
    """The schedule that a periodic task of this name belongs to. (A long function's name is cut off in it.)"""
    function = name.removeprefix(_PREFIX).removesuffix(_SECOND)
    if function == name:
        return None
    candidates = Schedule.objects.filter(function__startswith=function).order_by("function")[:100]
    return next((each for each in candidates if name in names(each.function)), None)


def database() -> str:
    """Where beat's rows are written, and read by us: a copy that lags behind would look like an edit."""
    return router.db_for_write(PeriodicTask)


def write(schedule: Schedule, seen: PeriodicTask | None = None) -> None:
    """Make the periodic tasks what the schedule says. Beat sees a change within its next round.

    `seen` is the first one as it was read. What somebody has edited since is left alone, to be read as an edit.
    """
    rows = columns(parse(schedule.frequency))
    first, second = names(schedule.function)
    changed = _write(first, schedule, rows[0], seen)
    if len(rows) > 1:
        changed |= _write(second, schedule, rows[1])
    else:
        changed |= PeriodicTask.objects.filter(name=second).delete()[0] > 0
    if changed:
        PeriodicTasks.update_changed()


def _write(name: str, schedule: Schedule, row: BeatColumns, seen: PeriodicTask | None = None) -> bool:
    wanted = {
        "task": TICK,
        "crontab_id": _crontab(row).pk,
        "enabled": schedule.is_active,
        "interval_id": None,
        "solar_id": None,
        "clocked_id": None,
        "one_off": False,
        "start_time": None,
        "expires": None,
        "headers": "{}",
        "args": "[]",
        "kwargs": "{}",
        "description": f"Rings for {schedule.function}. Managed by deferapp.",
    }
    task, created = (seen, False) if seen else PeriodicTask.objects.get_or_create(name=name, defaults=wanted)
    stale = {field: value for field, value in wanted.items() if getattr(task, field) != value}
    if not stale:
        return created
    as_seen = {field: getattr(task, field) for field in wanted}
    if seen and seen.crontab:
        as_seen |= {f"crontab__{field}": getattr(seen.crontab, field) for field in asdict(row)}
    updated: int = PeriodicTask.objects.filter(pk=task.pk, **as_seen).update(**stale)
    return updated > 0


def _crontab(row: BeatColumns) -> CrontabSchedule:
    """A row of these columns, used again if there is one: many rows slow beat down."""
    columns_of_row = {**asdict(row), "timezone": "UTC"}
    rows = CrontabSchedule.objects.using(database())
    return rows.filter(**columns_of_row).first() or rows.create(**columns_of_row)
