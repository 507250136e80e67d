"""The overview: all that tells at a glance how the work goes. The index page of deferapp in Django admin."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from deferapp.dashboard import alerts, failures, functions, load, schedules, times
from deferapp.dashboard.activity import activity
from deferapp.dashboard.cards import Period, cards
from deferapp.dashboard.viewer import Viewer
from deferapp.functions import registry
from deferapp.functions.function import BackgroundFunction
from deferapp.models import Alert, Execution, Schedule, Worker, ledger
from deferapp.tallies.read import Counts, by_function, series, time_range, total
from deferapp.visible import visible


def overview(viewer: Viewer, parameters: dict[str, str], moment: datetime) -> dict[str, Any]:
    """What the template shows. Parts that the viewer may not see are absent, and are not read."""
    range = time_range(parameters.get("range", ""), moment)
    look = load.Load()
    page: dict[str, Any] = {
        "range": range,
        "ranges": times.choices(range, "&functions=all" if parameters.get("functions") == "all" else ""),
        "viewer": viewer,
        "cards": [],
        "links": _links(viewer),
    }
    if viewer.sees("execution"):
        page |= _runs(viewer, parameters, moment)
        page["queues"] = load.queues(look, viewer)
    if viewer.sees("worker"):
        page["workers"] = load.workers(look, viewer)
        page["cards"] = [*page["cards"], load.workers_card(look, viewer)]
        page["without_worker"] = alerts.without_worker(look)
    if viewer.sees("schedule"):
        page["schedules"] = schedules.schedules(viewer, moment)
    if viewer.sees("worker") or viewer.sees("schedule"):
        page["beat"] = load.beat()
    if viewer.sees("alert"):
        page["alerts"] = alerts.alerts(viewer, moment)
    return page


def _runs(viewer: Viewer, parameters: dict[str, str], moment: datetime) -> dict[str, Any]:
    range = time_range(parameters.get("range", ""), moment)
    steps = [counts for _begins_at, counts in series(range)]
    period = Period(range=range, steps=steps, total=Counts.total(steps), before=total(range.previous()))
    has_all = parameters.get("functions") == "all"
    return {
        **_beginning(period),
        "cards": cards(period, viewer),
        "activity": activity(period, viewer),
        "functions": functions.table(by_function(range, with_waits=False), range, viewer, moment, has_all=has_all),
        "errors": failures.failures(range, viewer, moment),
    }


def _beginning(period: Period) -> dict[str, Any]:
    """Whether nothing has been called yet, and what could be."""
    if period.total.ended or period.total.attempts or Execution.objects.using(ledger()).exists():
        return {}
    callable = next((each for each in registry.functions() if isinstance(each, BackgroundFunction)), None)
    call = f"{callable.__name__}({', '.join(callable.signature.parameters)})" if callable else ""
    return {"is_new": not registry.functions(), "is_idle": True, "call": visible(call)}


def _links(viewer: Viewer) -> list[dict[str, Any]]:
    """The lists of what the viewer may see."""
    pages = [
        (model._meta, viewer.page(f"{model._meta.model_name}_changelist"))
        for model in (Execution, Schedule, Worker, Alert)
    ]
    return [
        {"name": options.verbose_name_plural, "url": url}
        for options, url in pages
        if url and viewer.sees(str(options.model_name))
    ]
