"""The attempts of one execution, for its page: the one that runs, and those that have ended, the latest first."""

from __future__ import annotations

from typing import Any, Final

from django.utils.safestring import SafeString

from deferapp.admin import values
from deferapp.admin.display import badge, moment, span, state_badge, visible
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution

SHOWN: Final = 20
"""Attempts on a page."""


def context(execution: Execution) -> dict[str, Any]:
    """What the page's template shows of the attempts."""
    rows = list(Attempt.objects.filter(execution=execution).order_by("-number")[: SHOWN + 1])
    return {
        "running": _running(execution),
        "attempts": [_ended(attempt, is_open=index == 0) for index, attempt in enumerate(rows[:SHOWN])],
        "has_older_attempts": len(rows) > SHOWN,
    }


def code_badge(failed: Attempt | Execution) -> SafeString:
    """Defer's code of an error, with its meaning."""
    return badge("code", failed.error_code, visible(failed.get_error_code_display()))


def _running(execution: Execution) -> dict[str, Any] | None:
    if execution.state not in (State.STARTED, State.ABORTING):
        return None
    return {
        "number": execution.attempt,
        "state": state_badge(execution.state),
        "started": moment(execution.started_at, with_zone=True),
        "worker": execution.worker,
    }


def _ended(attempt: Attempt, *, is_open: bool) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "state": state_badge(attempt.outcome),
        "started": moment(attempt.started_at, with_zone=True),
        "duration": span(attempt.ended_at - attempt.started_at),
        "worker": visible(attempt.worker),
        "retry_at": moment(attempt.retry_at, with_zone=True) if attempt.retry_at else None,
        "code": code_badge(attempt) if attempt.error_code else None,
        "error_type": visible(attempt.error_type),
        "error_message": values.line(attempt.error_message),
        "traceback": values.traceback(attempt.traceback) if attempt.traceback else None,
        "is_open": is_open,
    }
