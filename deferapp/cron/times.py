"""When a frequency comes, in UTC datetimes.

Stepped by the library cronsim, which sees our canonical text and never a person's. Times end with the year
9999, as datetimes do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice

from cronsim import CronSim

from deferapp.clock import now
from deferapp.cron.expression import Expression, parse


def next_times(frequency: str, after: datetime | None = None, count: int = 10) -> list[datetime]:
    """The next `count` times strictly after `after`, or after now: aware datetimes in UTC.

    There are fewer only where the calendar ends. Raises `InvalidFrequency` (a `ValueError`), and `ValueError`
    or `TypeError` for an `after` that is not an aware datetime and a `count` that is not a number from 0 up.
    """
    expression = parse(frequency)
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"count must be a whole number, not {type(count).__name__}")
    if count < 0:
        raise ValueError(f"count must not be negative, as {count} is")
    return list(islice(times_after(expression, now() if after is None else after), count))


def next_after(expression: Expression, after: datetime) -> datetime:
    """The first time strictly after `after`. Raises `OverflowError` when the calendar ends before it."""
    for moment in times_after(expression, after):
        return moment
    raise OverflowError(f"{expression.text!r} does not come between {after} and the end of the year 9999")


def times_after(expression: Expression, after: datetime) -> Iterator[datetime]:
    """All times strictly after `after`, in order: aware datetimes in UTC."""
    if not isinstance(after, datetime):
        raise TypeError(f"after must be a datetime, not {type(after).__name__}")
    if after.utcoffset() is None:
        raise ValueError(f"after must be an aware datetime, and {after!r} has no time zone")
    return _steps(CronSim(expression.canonical, after.astimezone(UTC)))


def _steps(simulation: CronSim) -> Iterator[datetime]:
    with suppress(OverflowError):
        yield from simulation
