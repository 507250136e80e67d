"""Celery tasks of the project that are only looked at: when they last ended, and their latest failures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import Max

from deferapp.admin import values
from deferapp.admin.display import NOTHING, span
from deferapp.dashboard.viewer import Viewer
from deferapp.dashboard.words import since
from deferapp.models import ObservedFailure, Span, Tally, ledger
from deferapp.observe.names import is_observed
from deferapp.visible import visible

SHOWN: Final = 5


def last_ends(names: Iterable[str]) -> dict[str, datetime]:
    """By task the minute in which one ended last, of those that did within two days. No query for functions."""
    wanted = [name for name in names if is_observed(name)]
    if not wanted:
        return {}
    rows = Tally.objects.using(ledger()).filter(span=Span.MINUTE, function__in=wanted).order_by()
    return dict(rows.values_list("function").annotate(Max("begins_at")))


def failures(name: str, viewer: Viewer, moment: datetime) -> list[dict[str, Any]]:
    """The latest first, for the template. Tracebacks are for those who may view values."""
    rows = ObservedFailure.objects.using(ledger()).filter(function=name).order_by("-id")
    return [_failure(row, viewer, moment) for row in rows[:SHOWN]]


def _failure(row: ObservedFailure, viewer: Viewer, moment: datetime) -> dict[str, Any]:
    has_trace = row.traceback and viewer.may("view_execution_values")
    return {
        "error": visible(row.error_type or row.error_code),
        "message": values.line(row.error_message),
        "ended": since(moment - row.ended_at),
        "duration": span(row.ended_at - row.started_at) if row.started_at else NOTHING,
        "number": row.number if row.number > 1 else None,
        "is_retried": row.is_retried,
        "task_id": visible(row.task_id),
        "worker": visible(row.worker),
        "enqueued_by": visible(row.enqueued_by),
        "traceback": values.traceback(row.traceback) if has_trace else "",
    }
