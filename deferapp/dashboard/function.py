"""The page of a function: how it goes, how long it takes, what fails, how it is declared, and what ran last."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from django.utils.translation import gettext as _

from deferapp.admin import timing
from deferapp.admin.display import function_name, short_id, state_badge
from deferapp.dashboard import durations, failures, observed, times
from deferapp.dashboard.actions import PAUSE, RESUME, RUN
from deferapp.dashboard.activity import activity
from deferapp.dashboard.cards import Period, cards, count
from deferapp.dashboard.declared import settings
from deferapp.dashboard.viewer import Viewer, word
from deferapp.dashboard.words import since
from deferapp.executions import pauses
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.functions.function import ScheduledFunction
from deferapp.functions.registry import AnyFunction
from deferapp.models import Execution, Schedule, Tally, ledger
from deferapp.observe.names import is_observed
from deferapp.tallies.read import Counts, Range, series, time_range, total

LATEST: Final = 10
"""Executions that are listed."""
WAITING: Final = 1_000
"""Executions that are counted of those that wait."""


def is_known(name: str) -> bool:
    """Whether there is, or was, such a function."""
    if registry.get(name) is not None:
        return True
    known = Execution.objects.using(ledger()).filter(function__range=(name, name))
    return known.exists() or Tally.objects.using(ledger()).filter(function=name).exists()


def page(
    name: str, viewer: Viewer, parameters: dict[str, str], moment: datetime, *, arguments: str = "", error: str = ""
) -> dict[str, Any]:
    """What the template shows. `arguments` and `error` are of a form that could not be carried out."""
    range = time_range(parameters.get("range", ""), moment)
    function, period = registry.get(name), _period(name, range)
    schedule = _schedule(name)
    linked = viewer.without_lists() if is_observed(name) else viewer
    return {
        "viewer": viewer,
        "range": range,
        "ranges": times.choices(range),
        "links": _links(name, linked),
        "cards": cards(period, linked),
        "activity": activity(period, linked),
        "heat": durations.heat_of(period),
        "histogram": durations.histogram_of(period.total),
        "percentiles": durations.percentiles(period.total),
        "errors": failures.failures(range, viewer, moment, name),
        "settings": list(settings(function, schedule, viewer)) if function else [],
        "is_in_code": function is not None,
        "is_observed": is_observed(name),
        "observed": observed.failures(name, viewer, moment) if is_observed(name) else [],
        "latest": _latest(name, viewer, moment),
        "waiting": _waiting(name, viewer),
        "form": _form(function, viewer, arguments, error),
        **_pause(name, function, viewer),
    }


def _period(name: str, range: Range) -> Period:
    steps = [counts for _begins_at, counts in series(range, name)]
    before = total(range.previous(), name)
    return Period(range=range, steps=steps, total=Counts.total(steps), before=before, function=name)


def _schedule(name: str) -> Schedule | None:
    return Schedule.objects.using(ledger()).filter(function=name).first()


def _links(name: str, viewer: Viewer) -> list[dict[str, Any]]:
    url = viewer.executions(word("fn", name))
    return [{"name": _("all its executions"), "url": url}] if url else []


def _latest(name: str, viewer: Viewer, moment: datetime) -> list[dict[str, Any]]:
    # A range of one name: by equality PostgreSQL may take the index of all that was created, and pass over other names.
    rows = Execution.objects.using(ledger()).filter(function__range=(name, name)).order_by("-function", "-created_at")
    fields = ("id", "function", "state", "attempt", "created_at", "due_at", "started_at", "ended_at")
    return [
        {
            "id": short_id(execution.pk),
            "url": viewer.execution(execution.pk),
            "state": state_badge(execution.state),
            "attempt": execution.attempt if execution.attempt > 1 else None,
            "created": since(moment - execution.created_at),
            "wait": timing.wait(execution, moment),
            "duration": timing.duration(execution, moment),
        }
        for execution in rows.only(*fields)[:LATEST]
    ]


def _waiting(name: str, viewer: Viewer) -> dict[str, Any]:
    rows = Execution.objects.using(ledger()).filter(state=State.CREATED, function__range=(name, name))
    found = len(rows.order_by("function", "created_at").values_list("pk")[: WAITING + 1])
    return {
        "count": count(min(found, WAITING)) + ("+" if found > WAITING else ""),
        "is_any": bool(found),
        "url": viewer.executions(word("fn", name), "state:created"),
    }


def _form(function: AnyFunction | None, viewer: Viewer, arguments: str, error: str) -> dict[str, Any] | None:
    """The form by which it is run now; None for who may not."""
    if function is None or not viewer.may("run_execution"):
        return None
    takes = None if isinstance(function, ScheduledFunction) else f"{function.__name__}{function.signature}"
    has_parameters = bool(function.signature.parameters)
    return {
        "action": RUN,
        "wish": uuid4(),
        "takes": takes if has_parameters else None,
        "arguments": arguments,
        "error": error,
    }


def _pause(name: str, function: AnyFunction | None, viewer: Viewer) -> dict[str, Any]:
    """Scheduled functions are paused by their schedules; one that holds its work all the same can be resumed."""
    is_paused = pauses.is_paused(name)
    may = viewer.may("pause_schedule") and function is not None
    is_scheduled = isinstance(function, ScheduledFunction)
    action = RESUME if is_paused else None if is_scheduled else PAUSE
    return {"is_paused": is_paused, "pause_action": action if may else None}


def title(name: str) -> str:
    """Its dotted name, which may break."""
    return function_name(name)
