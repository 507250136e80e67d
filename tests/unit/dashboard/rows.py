"""Tallies as a test needs them: made of ends, as folding makes them, for all spans at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deferapp.models import ErrorGroup, Tally
from deferapp.tallies import histogram
from deferapp.tallies.read import time_range

SPANS = ("1h", "24h", "7d", "30d")
KEY = ("span", "begins_at", "function", "outcome", "error_key")


@dataclass(frozen=True, kw_only=True)
class End:
    """Attempts that ended alike."""

    ended_at: datetime
    function: str = "shop.defer.mail"
    outcome: str = "succeeded"
    wait: timedelta | None = timedelta(milliseconds=80)
    duration: timedelta | None = timedelta(milliseconds=230)
    error_key: str = ""
    count: int = 1


def tally(*ends: End) -> None:
    """Add these ends to the tallies."""
    rows = {_key(row): row for row in Tally.objects.all()}
    for end in ends:
        for key in _keys(end):
            if key not in rows:
                rows[key] = Tally(**dict(zip(KEY, key, strict=True)))
            _add(rows[key], end)
    Tally.objects.bulk_create([row for row in rows.values() if row.pk is None], batch_size=500)
    Tally.objects.bulk_update([row for row in rows.values() if row.pk], ["count", "waits", "durations"], batch_size=100)


def _key(row: Tally) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in KEY)


def _keys(end: End) -> Iterable[tuple[Any, ...]]:
    for name in SPANS:
        range = time_range(name, end.ended_at)
        begins_at = range.ends_at - range.step
        yield range.span, begins_at, end.function, end.outcome, end.error_key
        yield range.span, begins_at, "", end.outcome, ""


def _add(row: Tally, end: End) -> None:
    row.count += end.count
    for counts, value in ((row.waits, end.wait), (row.durations, end.duration)):
        if value is not None:
            bucket = str(histogram.bucket(value))
            counts[bucket] = counts.get(bucket, 0) + end.count


def error_group(key: str, moment: datetime, function: str = "shop.defer.mail", **fields: object) -> ErrorGroup:
    values = {"error_type": "ValueError", "place": f"{function}:send", "message": "no such customer"}
    return ErrorGroup.objects.create(
        key=key, function=function, first_at=moment - timedelta(hours=3), last_at=moment, **{**values, **fields}
    )
