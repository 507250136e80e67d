"""A schedule whose rows of beat are edited as people do it."""

from __future__ import annotations

from typing import Final

from django_celery_beat.models import PeriodicTask

from deferapp import defer
from deferapp.functions import registry
from deferapp.models import Schedule
from deferapp.schedules.sync import sync

NAME: Final = f"{__name__}.weekly"
"""What the function is called."""


def weekly() -> None: ...


def declare(frequency: str) -> None:
    registry._functions.clear()
    defer.cron(weekly, frequency)
    sync()


def schedule() -> Schedule:
    return Schedule.objects.get(function=NAME)


def edit(**columns: str) -> None:
    """Change columns of the first row's crontab and save, as the admin does."""
    crontab = PeriodicTask.objects.order_by("name").first().crontab
    for name, value in columns.items():
        setattr(crontab, name, value)
    crontab.save()


def crontab_columns() -> list[str]:
    rows = [task.crontab for task in PeriodicTask.objects.order_by("name")]
    return [f"{r.minute} {r.hour} {r.day_of_month} {r.month_of_year} {r.day_of_week} {r.timezone}" for r in rows]
