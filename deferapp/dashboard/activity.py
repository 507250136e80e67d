"""What happened when: the bars with deployments, the waits below them, and both as a table."""

from __future__ import annotations

from typing import Any, Final

from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from deferapp.admin.display import span
from deferapp.dashboard import times
from deferapp.dashboard.cards import Period, Step, count
from deferapp.dashboard.charts import Bar, Mark, Wait, bars, count_ticks, duration_ticks, waits
from deferapp.dashboard.viewer import Viewer, word
from deferapp.models import DeployMark, TallyOutcome, ledger
from deferapp.tallies.read import Counts, Range
from deferapp.visible import visible

MARKS: Final = 20
"""Deployments that are marked, the latest."""
SIGNS: Final = {
    TallyOutcome.SUCCEEDED: "✓",
    TallyOutcome.RETRIED: "⟳",
    TallyOutcome.FAILED: "✕",
    TallyOutcome.CANCELLED: "⊘",
}
_UP: Final = (TallyOutcome.FAILED, TallyOutcome.RETRIED, TallyOutcome.CANCELLED, TallyOutcome.SUCCEEDED)
"""Failures stand at the foot, where their heights can be compared."""
STATES: Final = {
    TallyOutcome.SUCCEEDED: "state:succeeded",
    TallyOutcome.FAILED: "state:failed",
    TallyOutcome.CANCELLED: "state:cancelled,aborted,discarded",
}
"""What a legend's word leads to; an attempt that was retried has left no state."""


def activity(period: Period, viewer: Viewer) -> dict[str, Any]:
    """For the template: the charts, their legend, and the table of their numbers."""
    urls = [_url(step, period, viewer) for step in period.told]
    marks = _marks(period.range)
    return {
        "bars": _bars(period, urls, marks),
        "waits": _waits(period),
        "legend": [_legend(outcome, period, viewer) for outcome in reversed(_UP)],
        "marks": marks,
        "rows": [_row(step, url) for step, url in zip(period.told, urls, strict=True) if step.has_any][::-1],
    }


def _bars(period: Period, urls: list[str | None], marks: list[dict[str, Any]]) -> SafeString:
    columns = [
        Bar(
            title=_title(step),
            parts=tuple((outcome.value, _number(step.counts, outcome)) for outcome in _UP),
            url=url,
        )
        for step, url in zip(period.told, urls, strict=True)
    ]
    largest = max((column.whole for column in columns), default=0)
    arrows = [Mark(place=mark["place"], title=mark["title"]) for mark in marks]
    title = _("%(runs)s runs, of which %(failed)s failed, over time") % {
        "runs": count(period.total.ended),
        "failed": count(period.total.failed),
    }
    return bars(columns, count_ticks(max(largest, 1), count), times.ticks(period.range), title=title, marks=arrows)


def _waits(period: Period) -> SafeString | None:
    columns = [_wait(step) for step in period.told]
    longest = max((column.p95 for column in columns if column), default=None)
    if not longest:
        return None
    title = _("Wait before the start over time: half of the executions waited up to %(median)s, 95 %% up to %(p95)s")
    known = {"median": span(period.total.wait(0.5) or longest), "p95": span(period.total.wait(0.95) or longest)}
    return waits(columns, duration_ticks(longest, span, most=2), title=title % known)


def _wait(step: Step) -> Wait | None:
    if step.waited is None:
        return None
    median, p95 = step.waited
    title = _("%(time)s: waited %(median)s (median), %(p95)s (p95)")
    known = {"time": step.name, "median": span(median), "p95": span(p95)}
    return Wait(title=title % known, median=median, p95=p95)


def _number(counts: Counts, outcome: TallyOutcome) -> int:
    """What was discarded is shown with what was cancelled: neither ran."""
    discarded = counts.discarded if outcome == TallyOutcome.CANCELLED else 0
    return int(getattr(counts, outcome)) + discarded


def _title(step: Step) -> str:
    numbers = [
        f"{SIGNS[outcome]} {count(_number(step.counts, outcome))} {outcome.label}"
        for outcome in reversed(_UP)
        if _number(step.counts, outcome)
    ]
    text = ", ".join(numbers) or _("nothing")
    return f"{step.name}: {text}"


def _url(step: Step, period: Period, viewer: Viewer) -> str | None:
    function = [word("fn", period.function)] if period.function else []
    return viewer.executions(*function, *times.words(step.begins_at, step.begins_at + period.range.step))


def _legend(outcome: TallyOutcome, period: Period, viewer: Viewer) -> dict[str, Any]:
    states = STATES.get(outcome)
    return {
        "kind": outcome.value,
        "sign": SIGNS[outcome],
        "label": outcome.label,
        "count": count(_number(period.total, outcome)),
        "url": viewer.executions(*period.search(states)) if states else None,
    }


def _row(step: Step, url: str | None) -> dict[str, Any]:
    return {
        "time": step.name,
        "url": url,
        "numbers": [count(_number(step.counts, outcome)) for outcome in reversed(_UP)],
        "median": span(step.waited[0]) if step.waited else "",
        "p95": span(step.waited[1]) if step.waited else "",
    }


def _marks(range: Range) -> list[dict[str, Any]]:
    rows = DeployMark.objects.using(ledger()).filter(marked_at__gte=range.begins_at, marked_at__lt=range.ends_at)
    return [_mark(mark, range) for mark in rows[:MARKS]]


def _mark(mark: DeployMark, range: Range) -> dict[str, Any]:
    name, time = visible(mark.label), times.label(mark.marked_at, range)
    return {
        "place": (mark.marked_at - range.begins_at) / (range.ends_at - range.begins_at),
        "title": capfirst(_("deployed: %(label)s, %(time)s") % {"label": name, "time": time}),
        "label": name,
        "time": time,
    }
