"""The cards on top of a page: a number, how it went, and what became of it since the period before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deferapp.admin.display import NOTHING, span
from deferapp.dashboard import times
from deferapp.dashboard.charts import spark_bars, spark_line
from deferapp.dashboard.viewer import Viewer, word
from deferapp.tallies import histogram
from deferapp.tallies.read import Counts, Range


@dataclass(frozen=True, kw_only=True)
class Change:
    """Against the period before."""

    text: str
    kind: str
    """A class of the style sheet: "good", "bad" or "even"."""


@dataclass(frozen=True, kw_only=True)
class Card:
    key: str
    label: str
    value: str
    trend: SafeString
    change: Change | None
    url: str | None
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A bar's time."""

    begins_at: datetime
    name: str
    counts: Counts
    waited: tuple[timedelta, timedelta] | None
    """How long the half, and 95 %, of what started waited at the most; None if nothing did."""

    @property
    def has_any(self) -> bool:
        return bool(self.counts.attempts or self.counts.ended)


@dataclass(frozen=True, kw_only=True)
class Period:
    """What a page shows, and what there was before."""

    range: Range
    steps: Sequence[Counts]
    total: Counts
    before: Counts
    function: str = ""
    """The only one, or all."""

    @cached_property
    def told(self) -> list[Step]:
        """The steps with what several charts say of each."""
        return [_step(*each, self.range) for each in zip(self.range.steps(), self.steps, strict=True)]

    def search(self, *more: str) -> list[str]:
        function = [word("fn", self.function)] if self.function else []
        return [*function, *more, *times.words(self.range.begins_at)]


def _step(begins_at: datetime, counts: Counts, range: Range) -> Step:
    found = histogram.percentiles(counts.waits, (0.5, 0.95))
    waited = (found[0], found[1]) if found else None
    return Step(begins_at=begins_at, name=times.step_name(begins_at, range), counts=counts, waited=waited)


def cards(period: Period, viewer: Viewer) -> list[Card]:
    """Runs, ok, p95 wait, failed."""
    return [_runs(period, viewer), _ok(period, viewer), _wait(period, viewer), _failed(period, viewer)]


def count(value: int) -> str:
    return number_format(value, force_grouping=True)


def share(value: float) -> str:
    """100 % is said of all alone, and 0 % of none."""
    percent = min(max(round(value * 100, 1), 0.1), 99.9) if 0 < value < 1 else value * 100
    return _("%(share)s %%") % {"share": number_format(percent, 0 if percent in (0, 100) else 1)}


def _runs(period: Period, viewer: Viewer) -> Card:
    trend = [counts.ended for counts in period.steps]
    return Card(
        key="runs",
        label=_("runs"),
        value=count(period.total.ended),
        trend=spark_bars(trend, title=_("runs over time")),
        change=_relative(period.total.ended, period.before.ended),
        url=viewer.executions(*period.search()),
    )


def _ok(period: Period, viewer: Viewer) -> Card:
    ok, before = period.total.ok, period.before.ok
    lowest = min((counts.ok for counts in period.steps if counts.ok is not None), default=0.0)
    return Card(
        key="ok",
        label=_("ok"),
        value=NOTHING if ok is None else share(ok),
        trend=spark_line(
            [counts.ok for counts in period.steps],
            title=_("share that succeeded over time"),
            lowest=min(lowest, 0.9) - 0.05,
        ),
        change=None if ok is None or before is None else _points(ok - before),
        url=viewer.executions(*period.search("state:succeeded")),
    )


def _wait(period: Period, viewer: Viewer) -> Card:
    wait, before = period.total.wait(0.95), period.before.wait(0.95)
    seconds = [None if each.waited is None else each.waited[1].total_seconds() for each in period.told]
    return Card(
        key="wait",
        label=_("p95 wait"),
        value=NOTHING if wait is None else span(wait),
        trend=spark_line(seconds, title=_("p95 of the wait over time")),
        change=None if wait is None or before is None else _longer(wait, before),
        url=viewer.executions(*period.search("state:created")),
    )


def _failed(period: Period, viewer: Viewer) -> Card:
    failed = [counts.failed for counts in period.steps]
    return Card(
        key="failed",
        label=_("failed"),
        value=count(period.total.failed),
        trend=spark_bars(failed, failed, title=_("failures over time")),
        change=_relative(period.total.failed, period.before.failed, more="bad", less="good"),
        url=viewer.executions(*period.search("state:failed")),
        kind="bad" if period.total.failed else "",
    )


def _relative(now: int, before: int, *, more: str = "even", less: str = "even") -> Change | None:
    if not before:
        return None
    change = round((now - before) / before * 100)
    if not change:
        return Change(text=_("as before"), kind="even")
    text = _signed(change) if abs(change) < 1000 else _("%(times)s×") % {"times": count(round(now / before))}
    return Change(text=f"{_arrow(change)} {text}", kind=more if change > 0 else less)


def _points(change: float) -> Change:
    points = round(change * 100, 1)
    if not points:
        return Change(text=_("as before"), kind="even")
    text = _("%(points)s points") % {"points": number_format(abs(points), 1)}
    return Change(text=f"{_arrow(points)} {text}", kind="good" if points > 0 else "bad")


def _longer(now: timedelta, before: timedelta) -> Change:
    # Buckets are 10 % wide: less is no change.
    if abs(now - before) <= 0.1 * max(now, before) or max(now, before) < timedelta(milliseconds=50):
        return Change(text=_("as before"), kind="even")
    is_longer = now > before
    text = _("was %(time)s") % {"time": span(before)}
    return Change(text=f"{_arrow(1 if is_longer else -1)} {text}", kind="bad" if is_longer else "good")


def _arrow(change: float) -> str:
    return "▲" if change > 0 else "▼"


def _signed(percent: int) -> str:
    return _("%(percent)s %%") % {"percent": count(abs(percent))}
