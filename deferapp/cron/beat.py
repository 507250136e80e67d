"""A frequency as rows of django-celery-beat's crontab table.

Beat gets lists of numbers, never a person's text, because Celery reads crontabs its own way: it wants both
day fields to match where standard cron wants either, knows no Sunday 7, and takes any word that begins like a
name.
"""

from __future__ import annotations

from dataclasses import dataclass

from deferapp.cron.expression import Expression
from deferapp.cron.fields import DAY_OF_MONTH, DAY_OF_WEEK, HOUR, MINUTE, MONTH, Field


@dataclass(frozen=True, kw_only=True)
class BeatColumns:
    """The columns of one `CrontabSchedule`, named as there: numbers separated by commas, or `*`."""

    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str


def columns(expression: Expression) -> tuple[BeatColumns, ...]:
    """One row, or two that never match the same minute; together they match exactly the expression's times.

    To be stored with the time zone UTC. Where either day field may match, the rows are (the dates, any
    weekday) and (all other dates, the weekdays), since Celery wants both fields of a row to match.
    """
    days = expression.days
    if not days.either:
        return (_row(expression, days.of_month, days.of_week),)
    others = tuple(day for day in range(1, expression.longest_month + 1) if day not in days.of_month)
    return (
        _row(expression, days.of_month, DAY_OF_WEEK.every),
        _row(expression, others, days.of_week),
    )


def _row(expression: Expression, days: tuple[int, ...], weekdays: tuple[int, ...]) -> BeatColumns:
    return BeatColumns(
        minute=_column(MINUTE, expression.minute),
        hour=_column(HOUR, expression.hour),
        day_of_month=_column(DAY_OF_MONTH, days),
        month_of_year=_column(MONTH, expression.month),
        day_of_week=_column(DAY_OF_WEEK, weekdays),
    )


def _column(field: Field, values: tuple[int, ...]) -> str:
    return "*" if values == field.every else ",".join(map(str, values))
