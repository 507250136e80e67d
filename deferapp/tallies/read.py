"""What charts show: read from tallies alone, by a fixed number of queries, and never from the executions.

Ends are counted some seconds after they happened, when housekeeping folds them. A range ends with the step that has
begun and is not over, so its last bar grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from django.db.models import BigIntegerField, Q, Sum, TextField
from django.db.models.functions import Cast, Coalesce

from deferapp.models import ErrorGroup, Span, Tally, TallyOutcome, ledger
from deferapp.tallies import histogram

if TYPE_CHECKING:
    from django.db.models import QuerySet

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_RANGES: Final = {
    "1h": (60, timedelta(minutes=1), Span.MINUTE),
    "24h": (24, _HOUR, Span.HOUR),
    "7d": (28, 6 * _HOUR, Span.SIX_HOURS),
    "30d": (30, 24 * _HOUR, Span.DAY),
}
"""How many steps a range has, how long each is, and the tallies that count such a step."""
RANGES: Final = tuple(_RANGES)
DEFAULT_RANGE: Final = "24h"

_OUTCOMES: Final = tuple(TallyOutcome.values)
_ERRORS: Final = (TallyOutcome.RETRIED, TallyOutcome.FAILED)


@dataclass(frozen=True, kw_only=True)
class Range:
    """A time that a page shows, in steps, each a bar."""

    key: str
    begins_at: datetime
    ends_at: datetime
    """Exclusive: the end of the step that has begun."""
    step: timedelta
    span: Span
    """Of the tallies that are read; each counts one step."""

    def previous(self) -> Range:
        """The time before it, of the same length."""
        return replace(self, begins_at=self.begins_at - (self.ends_at - self.begins_at), ends_at=self.begins_at)

    def steps(self) -> list[datetime]:
        """When each step begins, the oldest first."""
        return [self.begins_at + number * self.step for number in range((self.ends_at - self.begins_at) // self.step)]

    def index(self, moment: datetime) -> int:
        """The number of the step that the moment lies in; below 0, or as many as there are steps or more, outside."""
        return (moment - self.begins_at) // self.step


def time_range(key: str, moment: datetime) -> Range:
    """The range of this key, up to the step that the moment lies in. An unknown key is the default's."""
    key = key if key in _RANGES else DEFAULT_RANGE
    count, step, span = _RANGES[key]
    ends_at = moment - (moment - _EPOCH) % step + step
    return Range(key=key, begins_at=ends_at - count * step, ends_at=ends_at, step=step, span=span)


_NONE: Final[Mapping[str, int]] = {}


@dataclass(kw_only=True)
class Counts:
    """How often it ended how, and how long it waited and took."""

    succeeded: int = 0
    retried: int = 0
    """Attempts that failed and are followed by another one."""
    failed: int = 0
    """For good."""
    cancelled: int = 0
    """Before they started, or while they ran."""
    discarded: int = 0
    waits: dict[str, int] = field(default_factory=dict)
    """A histogram: from when attempts could have started until they did."""
    durations: dict[str, int] = field(default_factory=dict)
    """A histogram: from the start of attempts to their end."""

    @property
    def ended(self) -> int:
        """Executions that ended, however they did; one that failed and was let run again has ended each time."""
        return self.succeeded + self.failed + self.cancelled + self.discarded

    @property
    def attempts(self) -> int:
        """Attempts that ran to their end; without those that were aborted."""
        return self.succeeded + self.retried + self.failed

    @property
    def ok(self) -> float | None:
        """The share (0 to 1) that succeeded of what succeeded or failed for good; None if nothing did."""
        judged = self.succeeded + self.failed
        return self.succeeded / judged if judged else None

    def wait(self, share: float) -> timedelta | None:
        """How long this share (0 to 1) of attempts waited at the most; None if there was none."""
        return histogram.percentile(self.waits, share)

    def duration(self, share: float) -> timedelta | None:
        """How long this share (0 to 1) of attempts took at the most; None if there was none."""
        return histogram.percentile(self.durations, share)

    def add(
        self, outcome: str, count: int, waits: Mapping[str, int] = _NONE, durations: Mapping[str, int] = _NONE
    ) -> None:
        """Count what ended so besides."""
        setattr(self, outcome, getattr(self, outcome) + count)
        histogram.add(self.waits, waits)
        histogram.add(self.durations, durations)

    def add_up(self, other: Counts) -> None:
        """Count all of these besides."""
        for outcome in _OUTCOMES:
            setattr(self, outcome, getattr(self, outcome) + getattr(other, outcome))
        histogram.add(self.waits, other.waits)
        histogram.add(self.durations, other.durations)

    @classmethod
    def total(cls, counts: Iterable[Counts]) -> Self:
        """All of them together."""
        total = cls()
        for each in counts:
            total.add_up(each)
        return total


def series(range: Range, function: str | None = None) -> list[tuple[datetime, Counts]]:
    """The counts of each step, the oldest first and empty ones too; of one function, or of all together. One query."""
    found = {step: Counts() for step in range.steps()}
    for begins_at, *counted in _tallies(range, function or "").values_list("begins_at", *_COUNTED):
        found[begins_at].add(*counted)
    return list(found.items())


@dataclass(frozen=True, kw_only=True)
class FunctionTally:
    """What a range counted of one function."""

    counts: Counts
    trend: list[int]
    """Executions that ended, for each step."""
    failed_trend: list[int]
    """Those that failed for good."""


def total(range: Range, function: str | None = None) -> Counts:
    """What a range counted in all, of one function or of all together; without durations. One query."""
    counts, waits = Counts(), []
    rows = _tallies(range, function or "").values_list("outcome", "count", _text("waits"))
    for outcome, count, text in rows:
        counts.add(outcome, count)
        waits.append(text)
    counts.waits = histogram.added_up(waits)
    return counts


def by_function(range: Range, *, with_waits: bool = True) -> dict[str, FunctionTally]:
    """What was counted of each function, by its name; functions of which nothing was are left out. A query, and one for
    each kind of histograms.

    The database adds up the numbers; histograms are read as texts, of which there are thousands. Without the waits,
    which nobody may want, there are half as many.
    """
    found: dict[str, FunctionTally] = {}
    for function, begins_at, *numbers in _numbers(range):
        if (tally := found.get(function)) is None:
            tally = found[function] = FunctionTally(counts=Counts(), trend=_flat(range), failed_trend=_flat(range))
        step = Counts(**dict(zip(_OUTCOMES, numbers, strict=True)))
        tally.counts.add_up(step)
        tally.trend[range.index(begins_at)] = step.ended
        tally.failed_trend[range.index(begins_at)] = step.failed
    for name in ("durations", *(("waits",) if with_waits else ())):
        for function, histograms in _histograms(range, name).items():
            setattr(found[function].counts, name, histogram.added_up(histograms))
    return dict(sorted(found.items()))


def _numbers(range: Range) -> Iterable[tuple[Any, ...]]:
    """Of each function and step, how many ended in each way."""
    sums = {f"sum_{outcome}": _sum(filter=Q(outcome=outcome)) for outcome in _OUTCOMES}
    return _tallies(range).values("function", "begins_at").annotate(**sums).values_list("function", "begins_at", *sums)


def _histograms(range: Range, name: str) -> dict[str, list[str]]:
    """Of each function, its histograms as they stand in the database."""
    found: dict[str, list[str]] = {}
    for function, text in _tallies(range).values_list("function", _text(name)):
        found.setdefault(function, []).append(text)
    return found


def _text(name: str) -> Cast:
    return Cast(name, TextField())


def _sum(**options: Any) -> Cast:
    """As a whole number: PostgreSQL makes a decimal of a sum."""
    return Cast(Coalesce(Sum("count", **options), 0), BigIntegerField())


@dataclass(frozen=True, kw_only=True)
class ErrorTally:
    """What a range counted of one group of errors."""

    group: ErrorGroup
    count: int
    """Attempts that failed so."""
    trend: list[int]
    """The same for each step."""


def errors(range: Range, function: str | None = None, most: int = 20) -> list[ErrorTally]:
    """The most frequent groups of errors, at most `most`, of equal ones the newest first. Three queries."""
    tallies = _tallies(range, function).filter(outcome__in=_ERRORS).exclude(error_key="").order_by()
    counted = tallies.values("error_key").annotate(together=_sum()).order_by("-together", "error_key")
    totals = dict(counted.values_list("error_key", "together")[: 2 * most])
    trends = {key: _flat(range) for key in totals}
    steps = tallies.filter(error_key__in=list(totals)).values("error_key", "begins_at").annotate(together=_sum())
    for key, begins_at, count in steps.values_list("error_key", "begins_at", "together"):
        trends[key][range.index(begins_at)] = count
    groups = ErrorGroup.objects.using(ledger()).in_bulk(list(totals))
    found = [ErrorTally(group=group, count=totals[key], trend=trends[key]) for key, group in groups.items()]
    return sorted(found, key=lambda each: (each.count, each.group.last_at), reverse=True)[:most]


_COUNTED: Final = ("outcome", "count", "waits", "durations")


def _tallies(range: Range, function: str | None = None) -> QuerySet[Tally, Any]:
    """Of one function, of all together (""), or of each (None)."""
    rows = Tally.objects.using(ledger()).order_by()
    rows = rows.filter(span=range.span, begins_at__gte=range.begins_at, begins_at__lt=range.ends_at)
    return rows.filter(~Q(function="") if function is None else Q(function=function))


def _flat(range: Range) -> list[int]:
    return [0] * ((range.ends_at - range.begins_at) // range.step)
