"""The table of functions: what each did in the range, and how its last run went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deferapp.admin.display import NOTHING, STATE_SIGNS, function_name, span
from deferapp.dashboard import charts
from deferapp.dashboard.cards import count
from deferapp.dashboard.cards import share as share_text
from deferapp.dashboard.charts.box import LogScale, Spread
from deferapp.dashboard.latest import latest
from deferapp.dashboard.observed import last_ends
from deferapp.dashboard.viewer import Viewer
from deferapp.dashboard.words import brief, since
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.functions.function import ScheduledFunction
from deferapp.models import Execution, PausedFunction, ledger
from deferapp.observe.names import is_observed
from deferapp.tallies import histogram
from deferapp.tallies.read import Counts, FunctionTally, Range
from deferapp.visible import visible

SHOWN: Final = 25
"""Functions in the table, unless all are asked for."""
IDLE_SHOWN: Final = 10
"""Rows that are filled with functions that did not run."""
MOST: Final = 500
_PERCENTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One function."""

    name: SafeString
    package: str
    url: str | None
    signs: list[tuple[str, str]]
    """What is special about it: a sign and its meaning."""
    trend: SafeString
    runs: str
    p50: str
    p95: str
    spread: SafeString | str
    fail_share: str
    fail_bar: SafeString | str
    last_sign: str
    last_state: str
    last_kind: str
    last_time: str
    last_brief: str
    last_url: str | None


@dataclass(frozen=True, kw_only=True)
class Table:
    rows: list[Row]
    left_out: int
    """Functions that are not shown: those with the fewest runs."""
    has_spread: bool


def table(
    tallies: Mapping[str, FunctionTally], range: Range, viewer: Viewer, moment: datetime, *, has_all: bool = False
) -> Table:
    """The functions of the code and those that ran, most runs first. Of those that did not, a few, unless `has_all`."""
    names = {function.name for function in registry.functions()} | tallies.keys()
    empty = FunctionTally(counts=Counts(), trend=[], failed_trend=[])
    every = sorted(names, key=lambda name: (-tallies.get(name, empty).counts.attempts, name))
    chosen = every[: MOST if has_all else min(max(len(tallies), IDLE_SHOWN), SHOWN)]
    maker = _Maker(
        range=range,
        viewer=viewer,
        moment=moment,
        latest=latest(chosen),
        observed=last_ends(chosen),
        paused=set(PausedFunction.objects.using(ledger()).values_list("function", flat=True)[:MOST]),
        scale=_scale([tallies[name].counts for name in chosen if name in tallies]),
    )
    return Table(
        rows=[maker.row(name, tallies.get(name, empty)) for name in chosen],
        left_out=len(every) - len(chosen),
        has_spread=any(tallies[name].counts.durations for name in chosen if name in tallies),
    )


@dataclass(frozen=True, kw_only=True)
class _Maker:
    """What all rows of a table need."""

    range: Range
    viewer: Viewer
    moment: datetime
    latest: Mapping[str, Execution]
    observed: Mapping[str, datetime]
    paused: set[str]
    scale: LogScale

    def row(self, name: str, tally: FunctionTally) -> Row:
        package, _dot, last = name.rpartition(".")
        return Row(
            name=function_name(last or name),
            package=visible(package),
            url=self.viewer.function(name, range=self.range.key),
            signs=self._signs(name),
            **self._numbers(tally),
            **self._last(name),
        )

    def _numbers(self, tally: FunctionTally) -> dict[str, Any]:
        counts = tally.counts
        found = spread(counts)
        failed = None if counts.ok is None else 1 - counts.ok
        return {
            "trend": charts.spark_bars(tally.trend, tally.failed_trend, title=_trend_title(tally)),
            "runs": count(counts.ended),
            "p50": span(found.p50) if found else NOTHING,
            "p95": span(found.p95) if found else NOTHING,
            "spread": charts.box(found, self.scale, title=spread_title(found)) if found else "",
            "fail_share": NOTHING if failed is None else share_text(failed),
            "fail_bar": charts.share(failed, title=_("share that failed")) if failed else "",
        }

    def _signs(self, name: str) -> list[tuple[str, str]]:
        function = registry.get(name)
        signs = [("❚❚", _("paused"))] if name in self.paused else []
        if is_observed(name):
            return [("◎", _("a Celery task, observed"))]
        if function is None:
            return [*signs, ("∅", _("not in the code"))]
        return [*signs, ("◷", _("scheduled"))] if isinstance(function, ScheduledFunction) else signs

    def _last(self, name: str) -> dict[str, Any]:
        execution = self.latest.get(name)
        if execution is None:
            ended_at = self.observed.get(name)
            return {
                "last_sign": "",
                "last_state": "",
                "last_kind": "",
                "last_time": since(self.moment - ended_at) if ended_at else _("not yet"),
                "last_brief": brief(self.moment - ended_at) if ended_at else NOTHING,
                "last_url": None,
            }
        when = execution.ended_at or execution.started_at or execution.created_at
        return {
            "last_sign": STATE_SIGNS.get(execution.state, "?"),
            "last_state": str(State(execution.state).label) if execution.state in State.values else "",
            "last_kind": execution.state if execution.state in State.values else "unknown",
            "last_time": since(self.moment - when),
            "last_brief": brief(self.moment - when),
            "last_url": self.viewer.execution(execution.pk),
        }


def spread(counts: Counts) -> Spread | None:
    """How the durations spread; None if nothing ran."""
    found = histogram.percentiles(counts.durations, _PERCENTILES)
    if not found:
        return None
    p5, p25, p50, p75, p95 = found
    return Spread(p5=p5, p25=p25, p50=p50, p75=p75, p95=p95)


def spread_title(spread: Spread) -> str:
    return _("half take %(p25)s to %(p75)s, nine in ten %(p5)s to %(p95)s") % {
        "p5": span(spread.p5),
        "p25": span(spread.p25),
        "p75": span(spread.p75),
        "p95": span(spread.p95),
    }


def _trend_title(tally: FunctionTally) -> str:
    return _("%(runs)s runs over time, %(failed)s failed") % {
        "runs": count(tally.counts.ended),
        "failed": count(tally.counts.failed),
    }


def _scale(counts: list[Counts]) -> LogScale:
    """From the shortest to the longest of all rows."""
    spreads = [found for each in counts if (found := spread(each))]
    return LogScale(
        low=min((each.p5 for each in spreads), default=timedelta()),
        high=max((each.p95 for each in spreads), default=timedelta()),
    )
