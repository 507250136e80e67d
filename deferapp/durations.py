"""Durations and dates as people write them.

A duration is a `timedelta`, a number of seconds, or words: "90s", "5 minutes", "1h 30m", "2 days", "1 week" (largest
unit first), or ISO 8601: "PT5M", "P1DT12H", "P2W". Months and years are refused: they have no length. In words, a
fraction of a minute or of a longer unit counts in whole seconds.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.utils import timezone
from django.utils.dateparse import parse_duration
from pytimeparse.timeparse import timeparse

from deferapp.exceptions import DurationError

Duration = timedelta | float | str
"""A timedelta, seconds, or words."""
When = Duration | date
"""A duration from now, or a date: an aware datetime, or a naive one or a day, read in the project's zone."""

_ISO_WEEKS: Final = re.compile(r"P(\d+)W")


def as_duration(value: Duration) -> timedelta:
    """The length of time that `value` says, never negative. Raises `DurationError`, which names the value."""
    length = as_signed_duration(value)
    if length < timedelta():
        raise DurationError(f"a duration is not negative, as {value!r:.100} is")
    return length


def as_signed_duration(value: Duration) -> timedelta:
    """As `as_duration`, for what may lie in the past: a timedelta or number may be negative, words may not."""
    try:
        length = _read(value)
    except (ValueError, OverflowError):
        length = None
    if length is None:
        raise DurationError(
            f'{value!r:.100} is no duration: give a timedelta, seconds, or words as in "1h 30m" or "PT5M"'
        )
    return length


def as_moment(value: When, now: datetime) -> datetime:
    """The moment, in UTC, that a duration from `now` leads to, or that a date says. Raises `DurationError`."""
    try:
        if isinstance(value, date):
            return as_date(value)
        return (now + as_signed_duration(value)).astimezone(UTC)
    except OverflowError:
        raise DurationError(f"{value!r} is beyond the end of the calendar") from None


def as_date(value: date) -> datetime:
    """The moment, in UTC, of a datetime, or of the midnight that begins a day.

    What names no zone is read in the project's, `TIME_ZONE`, also where `timezone.activate` has chosen a user's.
    """
    if not isinstance(value, date):
        raise DurationError(f"{value!r} is no date: give a datetime or a date")
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    try:
        if timezone.is_naive(moment):
            moment = timezone.make_aware(moment, timezone.get_default_timezone())
        return moment.astimezone(UTC)
    except OverflowError:
        raise DurationError(f"{value!r} is beyond the end of the calendar") from None


def _read(value: object) -> timedelta | None:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return timedelta(seconds=value)
    return _read_text(" ".join(value.split())) if isinstance(value, str) else None


def _read_text(text: str) -> timedelta | None:
    if weeks := _ISO_WEEKS.fullmatch(text):
        return timedelta(weeks=int(weeks[1]))
    if text.startswith("P"):
        return None if text.endswith(("P", "T")) else parse_duration(text)
    # Clocks as "4:13" could be minutes or hours; signs belong to numbers.
    if not text[:1].isdigit() or not text[-1].isalpha() or ":" in text:
        return None
    seconds = timeparse(text)
    return None if seconds is None or not math.isfinite(seconds) else timedelta(seconds=seconds)
