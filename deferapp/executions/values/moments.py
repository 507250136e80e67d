"""Dates, times and durations as text, exact to the microsecond.

A moment is ISO 8601 with its offset, followed by its zone's key and its fold where it has them, in the
notation of RFC 9557: `2024-11-03T01:30:00-05:00[America/New_York][_fold=1]`. Zones of `zoneinfo` keep their
key, because "the same hour tomorrow" depends on it. Other zones keep only their offset; Python reads one of
less than a second, which no real zone has, as UTC.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from deferapp.executions.values.refusal import Refusal

_MOMENT: Final = re.compile(r"(?P<iso>[^\[]+)(\[(?P<zone>[^\]=]+)\])?(?P<fold>\[_fold=1\])?")


def write_datetime(value: datetime) -> str:
    if value != value:  # pandas' NaT, which calls itself a datetime
        raise Refusal("a datetime that is no time", "Use None.")
    return datetime.isoformat(value) + _suffix(value)


def read_datetime(text: str) -> datetime:
    """The same instant on the same wall clock; the instant alone if the zone's rules have changed since."""
    iso, zone, fold = _parts(text)
    moment = datetime.fromisoformat(iso).replace(fold=fold)
    if zone is None:
        return moment
    local = moment.replace(tzinfo=zone)
    return local if local.utcoffset() == moment.utcoffset() else moment.astimezone(zone)


def write_time(value: time) -> str:
    return time.isoformat(value) + _suffix(value)


def read_time(text: str) -> time:
    iso, zone, fold = _parts(text)
    moment = time.fromisoformat(iso)
    return moment.replace(tzinfo=zone or moment.tzinfo, fold=fold)


def write_timedelta(value: timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def read_timedelta(parts: list[int]) -> timedelta:
    days, seconds, microseconds = parts
    return timedelta(days=days, seconds=seconds, microseconds=microseconds)


def _suffix(value: datetime | time) -> str:
    zone = value.tzinfo
    key = zone.key if isinstance(zone, ZoneInfo) else None
    if zone is not None and key is None and value.utcoffset() is None:
        raise Refusal(f"a {type(value).__name__} in {zone!r}, which has no offset,", "Use a zone of zoneinfo.")
    return (f"[{key}]" if key else "") + ("[_fold=1]" if value.fold else "")


def _parts(text: str) -> tuple[str, ZoneInfo | None, int]:
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no moment")
    return match["iso"], ZoneInfo(match["zone"]) if match["zone"] else None, int(match["fold"] is not None)
