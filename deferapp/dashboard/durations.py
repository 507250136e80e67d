"""How long a function takes: its histogram, and its heat strip of time × duration."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deferapp.admin.display import span
from deferapp.dashboard import times
from deferapp.dashboard.cards import Period, count
from deferapp.dashboard.charts import Column, Heat, Tick, count_ticks, heat, histogram
from deferapp.tallies.histogram import bounds, bucket
from deferapp.tallies.read import Counts

COLUMNS: Final = 44
"""Of the histogram, at the most."""
ROWS: Final = 9
"""Of the heat strip, at the most."""
MARKS: Final = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
_LEAST: Final = 10
"""Buckets that are shown, even if all durations are in one."""
_ROUND: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400)
)


class Buckets:
    """The buckets between the shortest and the longest duration, several together so that there are not too many."""

    def __init__(self, counts: Counts, most: int) -> None:
        numbers = [int(number) for number, counted in counts.durations.items() if counted]
        first, last = min(numbers), max(numbers)
        missing = max(_LEAST - (last - first + 1), 0)
        self.first = max(first - missing // 2, 0)
        self.size = -(-(max(last, self.first + _LEAST - 1) - self.first + 1) // most)
        self.number = -(-(max(last, self.first + _LEAST - 1) - self.first + 1) // self.size)

    def of(self, number: int) -> int:
        """The place of a bucket among those that are shown."""
        return (number - self.first) // self.size

    def place(self, duration: timedelta) -> float:
        """From 0 to 1 if it is among those that are shown."""
        return (bucket(duration) + 0.5 - self.first) / (self.size * self.number)

    def counted(self, counts: Counts) -> Counter[int]:
        found: Counter[int] = Counter()
        for number, counted in counts.durations.items():
            found[self.of(int(number))] += counted
        return found

    def bounds(self, index: int) -> tuple[timedelta, timedelta]:
        begin = self.first + index * self.size
        last = begin + self.size - 1
        return bounds(begin)[0], bounds(min(last, 300))[1]

    def name(self, index: int) -> str:
        low, high = self.bounds(index)
        return _("%(low)s to %(high)s") % {"low": span(low), "high": span(high)}


def percentiles(counts: Counts) -> list[dict[str, Any]]:
    """What stands beside the histogram as text."""
    found = ((name, counts.duration(share)) for name, share in MARKS)
    return [{"name": name, "value": span(value)} for name, value in found if value is not None]


def histogram_of(counts: Counts) -> SafeString | None:
    """None if nothing ran."""
    if not counts.durations:
        return None
    buckets = Buckets(counts, COLUMNS)
    counted = buckets.counted(counts)
    columns = [
        Column(title=f"{buckets.name(index)}: {count(counted[index])}", count=counted[index])
        for index in range(buckets.number)
    ]
    marks = [
        Tick(place=buckets.place(value), label=f"{name} {span(value)}")
        for name, share in MARKS
        if (value := counts.duration(share)) is not None
    ]
    title = _("Durations of %(attempts)s attempts: %(percentiles)s") % {
        "attempts": count(sum(counted.values())),
        "percentiles": ", ".join(mark.label for mark in marks),
    }
    return histogram(columns, count_ticks(max(counted.values()), count), _ticks(buckets), marks, title=title)


def _ticks(buckets: Buckets) -> list[Tick]:
    placed = [(buckets.place(value), value) for value in _ROUND]
    return [Tick(place=place, label=span(value)) for place, value in placed if 0 <= place <= 1]


def heat_of(period: Period) -> SafeString | None:
    """None if nothing ran."""
    if not period.total.durations:
        return None
    buckets = Buckets(period.total, ROWS)
    names = [buckets.name(row) for row in range(buckets.number)]
    cells = [
        Heat(column=column, row=row, count=counted, title=_cell(step.name, names[row], counted))
        for column, step in enumerate(period.told)
        for row, counted in sorted(buckets.counted(step.counts).items())
    ]
    rows = [span(buckets.bounds(index)[0]) for index in range(buckets.number)]
    title = _("How many attempts took how long, over time: from %(low)s to %(high)s") % {
        "low": rows[0],
        "high": span(buckets.bounds(buckets.number - 1)[1]),
    }
    return heat(cells, len(period.steps), rows, times.ticks(period.range), title=title)


def _cell(time: str, durations: str, counted: int) -> str:
    return _("%(time)s: %(count)s took %(durations)s") % {"time": time, "count": count(counted), "durations": durations}
