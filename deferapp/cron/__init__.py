"""Frequencies: standard cron in UTC, read, stepped, described, and written for django-celery-beat."""

from deferapp.cron.beat import BeatColumns, columns
from deferapp.cron.expression import Expression, parse
from deferapp.cron.times import next_after, next_times, times_after
from deferapp.cron.words import describe

__all__ = [
    "BeatColumns",
    "Expression",
    "columns",
    "describe",
    "next_after",
    "next_times",
    "parse",
    "times_after",
]
