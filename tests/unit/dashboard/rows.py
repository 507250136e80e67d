"""Tallies as a test needs them: made of ends, as folding makes them, for all spans at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from deferapp.models import ErrorGroup, Tally
from deferapp.tallies import histogram
from deferapp.tallies.read import time_range

SPANS = ("1h", "24h", "7d", "30d")


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
    rows: dict[tuple[object, ...], Tally] = {}
    for end in ends:
        for key in _keys(end):
            row = rows.get(key)
            if row is None:
                span, begins_at, function, outcome, error_key = key
                row = rows[key] = Tally(
                    span=span, begins_at=begins_at, function=function, outcome=outcome, error_key=error_key
                )
            _add(row, end)
    Tally.objects.bulk_create(rows.values(), batch_size=500)


def _keys(end: End) -> Iterable[tuple[object, ...]]:
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
