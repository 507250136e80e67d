"""Adding up in memory what tallies count, before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from deferapp.models import Span
from deferapp.observe.names import is_observed
from deferapp.tallies.ends import End
from deferapp.tallies.histogram import bucket

LENGTHS: Final = {
    Span.MINUTE: timedelta(minutes=1),
    Span.HOUR: timedelta(hours=1),
    Span.SIX_HOURS: timedelta(hours=6),
    Span.DAY: timedelta(days=1),
}
"""From the shortest on; each is a whole part of the next."""
KEPT: Final = {
    Span.MINUTE: timedelta(days=2),
    Span.HOUR: timedelta(days=100),
    Span.SIX_HOURS: timedelta(days=100),
    Span.DAY: timedelta(days=730),
}
"""How long tallies are kept after their beginning: about twice what a page shows, for a look at the time before it."""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Also the beginning of `EVER`."""


def beginning(span: Span, moment: datetime) -> datetime:
    """When the span began that the moment lies in; in UTC."""
    return moment - (moment - _EPOCH) % LENGTHS[span]


class Key(NamedTuple):
    """What a tally is unique by."""

    span: str
    begins_at: datetime
    function: str
    outcome: str
    error_key: str


@dataclass(kw_only=True)
class Cell:
    """What a tally has, or gets besides."""

    count: int = 0
    waits: Counter[str] = field(default_factory=Counter)
    durations: Counter[str] = field(default_factory=Counter)

    def count_one(self, end: End) -> None:
        self.count += 1
        if end.wait is not None:
            self.waits[str(bucket(end.wait))] += 1
        if end.duration is not None:
            self.durations[str(bucket(end.duration))] += 1

    def add(self, count: int, waits: Mapping[str, int], durations: Mapping[str, int]) -> None:
        self.count += count
        self.waits.update(waits)
        self.durations.update(durations)


def ever(ends: Iterable[End]) -> dict[Key, Cell]:
    """What is to be added, of each function, to the tallies that only grow."""
    found: dict[Key, Cell] = {}
    for end in ends:
        key = Key(Span.EVER, _EPOCH, end.function, end.outcome, "")
        found.setdefault(key, Cell()).count_one(end)
    return found


class Cells:
    """Ends, each in the shortest span that is kept of its time, so that memory is bounded by the tallies to come."""

    def __init__(self, moment: datetime) -> None:
        """As it is at this moment: what is older than tallies are kept is not counted."""
        self._from = {span: moment - kept for span, kept in KEPT.items()}
        self._shortest: dict[Key, Cell] = {}

    def count(self, end: End) -> None:
        for span, since in self._from.items():
            begins_at = beginning(span, end.ended_at)
            if begins_at >= since:
                key = Key(span, begins_at, end.function, end.outcome, end.error_key)
                cell = self._shortest.get(key) or self._shortest.setdefault(key, Cell())
                cell.count_one(end)
                return

    def all(self) -> dict[Key, Cell]:
        """What is to be added to each tally: of each span, of each function, and of all functions together.

        Observed tasks are left out of what is together: that leads to lists of executions.
        """
        together: dict[Key, Cell] = {}
        for key, cell in self._shortest.items():
            for span in list(LENGTHS)[list(LENGTHS).index(Span(key.span)) :]:
                begins_at = beginning(span, key.begins_at)
                if begins_at < self._from[span]:
                    continue
                for own in (key,) if is_observed(key.function) else (key, key._replace(function="", error_key="")):
                    wanted = own._replace(span=span, begins_at=begins_at)
                    together.setdefault(wanted, Cell()).add(cell.count, cell.waits, cell.durations)
        return together
