"""The runs of a schedule: those that come, and, of the recent ones, when they were planned and when they started."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deferapp.admin.display import NOTHING, ahead, minute, moment, span
from deferapp.admin.schedule_page import outcomes
from deferapp.cron import next_times
from deferapp.exceptions import InvalidFrequency
from deferapp.models import Attempt, DueMoment, Execution, Schedule
from deferapp.schedules.plan import ON_TIME

if TYPE_CHECKING:
    from deferapp.admin.schedules import ScheduleAdmin

NEXT_SHOWN: Final = 5
MOMENTS_SHOWN: Final = 20
_FULL_BAR: Final = timedelta(hours=1)


def coming(frequency: str, now: datetime) -> list[dict[str, Any]]:
    """The next runs of a frequency; none of one that cannot be read."""
    try:
        times = next_times(frequency, now, NEXT_SHOWN)
    except InvalidFrequency:
        return []
    return [{"at": minute(time), "ahead": ahead(time - now)} for time in times]


def recent(admin: ScheduleAdmin, request: HttpRequest, schedule: Schedule) -> list[dict[str, Any]]:
    """The last due moments, the latest first: planned, started, and how it went."""
    rows = schedule.due_moments.select_related("execution").only(
        "schedule_id",
        "due_at",
        "decided_at",
        "ended_as",
        *(f"execution__{name}" for name in ("id", "state", "attempt", "started_at", "ended_at")),
    )
    shown = list(rows.order_by("-due_at")[:MOMENTS_SHOWN])
    first_starts = _first_starts(each.execution for each in shown if each.execution is not None)
    is_link = admin.sees_executions(request)
    return [{**_recent(each, first_starts), "outcome": _outcome(admin, each, is_link=is_link)} for each in shown]


def _first_starts(executions: Iterable[Execution]) -> dict[UUID, datetime]:
    """When the first attempt of each began: an execution itself knows its latest only."""
    found = {each.pk: each.started_at for each in executions if each.started_at is not None}
    firsts = Attempt.objects.filter(execution_id__in=list(found), number=1)
    return {**found, **dict(firsts.values_list("execution_id", "started_at"))}


def _recent(row: DueMoment, first_starts: dict[UUID, datetime]) -> dict[str, Any]:
    started = first_starts.get(row.execution_id) if row.execution_id else None
    lag = max(started - row.due_at, timedelta()) if started else None
    return {
        "due": minute(row.due_at),
        "started": moment(started),
        "lag": NOTHING if lag is None else span(lag),
        "bar": None if lag is None else _bar(lag),
        "is_late": lag is not None and lag > ON_TIME,
        "note": _note(row),
    }


def _bar(lag: timedelta) -> int:
    """How many of a hundred: by the logarithm, since what matters lies between a second and an hour."""
    full = math.log1p(_FULL_BAR.total_seconds())
    return max(1, min(100, round(100 * math.log1p(lag.total_seconds()) / full)))


def _note(row: DueMoment) -> str:
    """Who did not fire in time says when it did."""
    late_by = row.decided_at - row.due_at
    if late_by <= ON_TIME:
        return ""
    times = {"time": span(late_by)}
    return _("noticed %(time)s late") % times if row.execution_id is None else _("fired %(time)s late") % times


def _outcome(admin: ScheduleAdmin, row: DueMoment, *, is_link: bool) -> SafeString:
    if row.execution_id is None:
        return outcomes.shown(outcomes.MISSED)
    if row.execution is None:
        return outcomes.shown(row.ended_as or outcomes.REMOVED)
    return admin.execution_link(row.execution_id, outcomes.shown(row.execution.state), is_link=is_link)
