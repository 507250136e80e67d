"""Which executions a list shows: those that meet each parameter of its address.

The list in the admin and what is done to all that match read them here, so that both mean the same executions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.db.models import Exists, OuterRef, QuerySet

from deferapp.executions import search
from deferapp.executions.search.find import as_id
from deferapp.executions.states import State
from deferapp.models import Attempt, DueMoment, Execution, Schedule

if TYPE_CHECKING:
    Rows = TypeVar("Rows", bound=QuerySet[Execution])

SEARCH: Final = "q"
"""The parameter of the search box."""


def selected(rows: Rows, parameters: Mapping[str, str], moment: datetime) -> Rows:
    """Those of the rows that meet all the parameters. Raises `SearchError`.

    An unknown parameter selects nothing: doing something to all executions must not be the meaning of a typing error.
    """
    for name, value in parameters.items():
        if name == SEARCH:
            rows = search.parse(value, moment).apply(rows)
        else:
            rows = FILTERS[name](rows, value) if name in FILTERS else rows.none()
    return rows


def _state(rows: Rows, value: str) -> Rows:
    return rows.filter(state=value)


def _function(rows: Rows, value: str) -> Rows:
    return rows.filter(function=value)


def _parent(rows: Rows, value: str) -> Rows:
    id = as_id(value)
    return rows.filter(parent=id) if id else rows.none()


def _batch(rows: Rows, value: str) -> Rows:
    id = as_id(value)
    return rows.filter(batch=id) if id else rows.none()


def _error(rows: Rows, value: str) -> Rows:
    """Those that have failed, the last time with an error of this group."""
    last = Attempt.objects.filter(execution=OuterRef("pk"), number=OuterRef("attempt"), error_key=value)
    return rows.filter(Exists(last), state=State.FAILED)


def _scheduled(rows: Rows, value: str) -> Rows:
    fired = Exists(DueMoment.objects.filter(execution=OuterRef("pk")))
    if value != "yes":
        return rows.filter(~fired)
    # Of other functions there is none: few executions are gone through where schedules fire seldom.
    return rows.filter(fired, function__in=list(Schedule.objects.values_list("function", flat=True)))


FILTERS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "state": _state,
    "function": _function,
    "parent": _parent,
    "batch": _batch,
    "error": _error,
    "scheduled": _scheduled,
}
"""The parameters besides the search, each with what it leaves of the rows."""
