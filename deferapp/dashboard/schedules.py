"""Each schedule's day as a strip: what has fired and how it went, what comes next, and where now is.

Moments that are too near to each other to be told apart share a dot, in which the worst is shown. Of the past so many
moments are read, the latest first; so a strip may begin late where many schedules fire every minute.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from deferapp.admin.display import STATE_SIGNS, function_name, local
from deferapp.cron import describe, next_after, parse
from deferapp.dashboard.charts import Dot, Tick, hours, strip
from deferapp.dashboard.viewer import Viewer
from deferapp.dashboard.words import until
from deferapp.exceptions import InvalidFrequency
from deferapp.executions.states import State
from deferapp.models import DueMoment, Schedule, ledger
from deferapp.visible import visible

PAST: Final = timedelta(hours=6)
COMING: Final = timedelta(hours=24)
SHOWN: Final = 30
"""Schedules, those that come next first."""
MOMENTS: Final = 2_000
"""Past due moments that are read, of all schedules together."""
DOTS: Final = 45
"""Places on a strip at which there can be a dot."""
_WORST_FIRST: Final = (
    State.FAILED,
    "missed",
    State.ABORTED,
    State.DISCARDED,
    State.CANCELLED,
    State.ABORTING,
    State.STARTED,
    State.CREATED,
    State.SUCCEEDED,
    "removed",
)


@dataclass(frozen=True, kw_only=True)
class _Past:
    due_at: datetime
    kind: str
    """The state of its execution, "missed", or "removed" if that is gone."""
    execution_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class _Window:
    """The time that the strips show."""

    now: datetime

    @property
    def begins_at(self) -> datetime:
        return self.now - PAST

    @property
    def ends_at(self) -> datetime:
        return self.now + COMING

    def place(self, moment: datetime) -> float:
        return (moment - self.begins_at) / (PAST + COMING)

    def slot(self, moment: datetime) -> int:
        return int(self.place(moment) * DOTS)

    def end_of_slot(self, moment: datetime) -> datetime:
        return self.begins_at + (PAST + COMING) * (self.slot(moment) + 1) / DOTS

    def hours(self) -> list[datetime]:
        """Every sixth hour of the viewer's day."""
        first = local(self.begins_at).replace(minute=0, second=0, microsecond=0)
        every = (first + timedelta(hours=number) for number in range(1, 32))
        return [hour for hour in every if hour.hour % 6 == 0 and self.begins_at < hour < self.ends_at]


def schedules(viewer: Viewer, moment: datetime) -> dict[str, Any]:
    """For the template. Two queries."""
    window = _Window(now=moment)
    rows = list(Schedule.objects.using(ledger()).filter(is_declared=True)[: SHOWN + 1])
    shown = sorted(rows[:SHOWN], key=lambda row: (row.next_due_at is None, row.next_due_at or moment, row.function))
    past = _past(shown, window)
    ticks = [Tick(place=window.place(hour), label=_hour(hour)) for hour in window.hours()]
    return {
        "rows": [_row(schedule, past[schedule.pk], window, viewer) for schedule in shown],
        "has_more": len(rows) > SHOWN,
        "axis": hours(ticks, window.place(moment), _("now")),
        "url": viewer.page("schedule_changelist"),
    }


def _hour(hour: datetime) -> str:
    return date_format(hour, "D j M") if hour.hour == 0 else date_format(hour, "H:i")


def _past(shown: Iterable[Schedule], window: _Window) -> dict[int, list[_Past]]:
    rows = DueMoment.objects.using(ledger()).filter(
        schedule__in=[schedule.pk for schedule in shown], due_at__gte=window.begins_at, due_at__lte=window.now
    )
    values = rows.order_by("-due_at").values_list("schedule_id", "due_at", "execution_id", "execution__state")[:MOMENTS]
    found: dict[int, list[_Past]] = defaultdict(list)
    for schedule_id, due_at, execution_id, state in values:
        kind = "missed" if execution_id is None else state or "removed"
        found[schedule_id].append(_Past(due_at=due_at, kind=kind, execution_id=execution_id))
    return found


def _row(schedule: Schedule, past: list[_Past], window: _Window, viewer: Viewer) -> dict[str, Any]:
    coming = list(_coming(schedule, window)) if schedule.is_active else []
    dots = [*_past_dots(past, window, viewer), *_coming_dots(coming, window)]
    lines = [window.place(hour) for hour in window.hours()]
    package, _dot, last = schedule.function.rpartition(".")
    return {
        "name": function_name(last or schedule.function),
        "package": visible(package),
        "url": viewer.schedule(schedule.pk),
        "words": _words(schedule),
        "is_paused": schedule.is_paused,
        "is_edited": schedule.is_overridden,
        "next": _next(schedule, window.now),
        "strip": strip(dots, window.place(window.now), lines, title=_title(schedule, past, window.now)),
    }


def _words(schedule: Schedule) -> str:
    try:
        return describe(parse(schedule.frequency))
    except InvalidFrequency:
        return _("no frequency that can be read")


def _next(schedule: Schedule, now: datetime) -> str:
    if schedule.is_paused:
        return _("paused")
    return until(schedule.next_due_at - now) if schedule.next_due_at else _("never")


def _title(schedule: Schedule, past: list[_Past], now: datetime) -> str:
    known = {
        "fired": sum(each.kind != "missed" for each in past),
        "failed": sum(each.kind == State.FAILED for each in past),
        "missed": sum(each.kind == "missed" for each in past),
        "next": _next(schedule, now),
    }
    return _("in the last 6 hours %(fired)s fired, %(failed)s failed, %(missed)s missed; next: %(next)s") % known


def _coming(schedule: Schedule, window: _Window) -> Iterator[datetime]:
    """The first due moment of each place on the strip: however often a schedule fires, `DOTS` steps at the most."""
    try:
        expression = parse(schedule.frequency)
        moment = next_after(expression, window.now)
        for _step in range(DOTS):
            if moment >= window.ends_at:
                return
            yield moment
            # One microsecond before the end: a moment at the beginning of the next place is its first.
            moment = next_after(expression, window.end_of_slot(moment) - timedelta(microseconds=1))
    except (InvalidFrequency, OverflowError):
        return


def _past_dots(past: list[_Past], window: _Window, viewer: Viewer) -> Iterator[Dot]:
    by_slot = itertools.groupby(past, key=lambda each: window.slot(each.due_at))
    for _slot, group in by_slot:
        moments = list(group)
        worst = min(moments, key=lambda each: _badness(each.kind))
        yield Dot(
            place=window.place(worst.due_at),
            kind=worst.kind,
            sign=_sign(worst.kind),
            title=_dot_title(worst, len(moments)),
            url=viewer.execution(worst.execution_id) if worst.kind != "removed" else None,
        )


def _badness(kind: str) -> int:
    return _WORST_FIRST.index(kind) if kind in _WORST_FIRST else len(_WORST_FIRST)


def _sign(kind: str) -> str:
    return {"missed": "–", "removed": "·"}.get(kind) or STATE_SIGNS.get(kind, "?")


def _dot_title(worst: _Past, together: int) -> str:
    state = {"missed": _("missed"), "removed": _("fired")}.get(worst.kind)
    state = state or (str(State(worst.kind).label) if worst.kind in State.values else visible(worst.kind))
    text = f"{_clock(worst.due_at)} {state}"
    return text if together == 1 else _("%(text)s; %(count)s runs about then") % {"text": text, "count": together}


def _coming_dots(moments: Iterable[datetime], window: _Window) -> Iterator[Dot]:
    for moment in moments:
        yield Dot(place=window.place(moment), kind="coming", sign="○", title=_clock(moment))


def _clock(moment: datetime) -> str:
    return date_format(local(moment), "D H:i")
