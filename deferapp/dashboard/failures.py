"""Errors, grouped: those that are one to a person, by function, type and place."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from deferapp.admin import values
from deferapp.admin.display import NOTHING, function_name
from deferapp.dashboard import times
from deferapp.dashboard.cards import count
from deferapp.dashboard.charts import spark_bars
from deferapp.dashboard.viewer import Viewer, word
from deferapp.dashboard.words import since
from deferapp.observe.names import is_observed
from deferapp.tallies.read import ErrorTally, Range, errors
from deferapp.visible import visible

SHOWN: Final = 10


def failures(range: Range, viewer: Viewer, moment: datetime, function: str | None = None) -> list[dict[str, Any]]:
    """For the template. As on the page of an execution, whoever may view it sees the first line of a message."""
    found = errors(range, function, SHOWN)
    return [_group(each, range, viewer, moment) for each in found]


def _group(tally: ErrorTally, range: Range, viewer: Viewer, moment: datetime) -> dict[str, Any]:
    group = tally.group
    is_task = is_observed(group.function)
    search = [word("error", group.key), *times.words(range.begins_at)]
    return {
        "type": visible(group.error_type) or _("error"),
        "place": function_name(group.place.replace(":", ".") or group.function),
        "function": function_name(group.function.rpartition(".")[2]),
        "function_url": viewer.function(group.function, range=range.key),
        "message": values.line(group.message),
        "count": count(tally.count),
        "trend": spark_bars(
            tally.trend, tally.trend, title=_("%(count)s errors over time") % {"count": count(tally.count)}
        ),
        "first": since(moment - group.first_at) if group.first_at else NOTHING,
        "last": since(moment - group.last_at) if group.last_at else NOTHING,
        "last_url": None if is_task else viewer.execution(group.last_execution_id),
        "url": viewer.function(group.function, range=range.key) if is_task else viewer.executions(*search),
        "retry_url": None if is_task else _retry_url(search, viewer),
    }


def _retry_url(search: list[str], viewer: Viewer) -> str | None:
    """The page that asks whether to retry them all, with their number."""
    if not viewer.may("retry_execution"):
        return None
    return viewer.page("execution_bulk", search=" ".join([*search, "state:failed"]), action="retry")
