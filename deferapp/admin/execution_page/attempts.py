"""The attempts of one execution, for its page: the one that runs, and those that have ended, the latest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django.utils.safestring import SafeString

from deferapp.admin import values
from deferapp.admin.display import badge, moment, span, state_badge
from deferapp.admin.execution_page import logs, tracebacks
from deferapp.executions.logs import read
from deferapp.executions.logs.read import LogOfAttempt
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution
from deferapp.visible import visible

if TYPE_CHECKING:
    from deferapp.admin.readonly import ReadOnlyAdmin

SHOWN: Final = 20
"""Attempts on a page."""


def ended(execution: Execution) -> list[Attempt]:
    """The last of them that have ended, in their order."""
    return list(Attempt.objects.filter(execution=execution).order_by("-number")[:SHOWN])[::-1]


def context(
    admin: ReadOnlyAdmin[Any], execution: Execution, attempts: Sequence[Attempt], *, with_values: bool
) -> dict[str, Any]:
    """What the page's template shows of the attempts; tracebacks and logs only `with_values`."""
    written = read.of(execution.pk) if with_values else {}
    return {
        "running": _running(execution, written),
        "attempts": [
            _ended(admin, attempt, written.get(attempt.number), is_open=index == 0, with_values=with_values)
            for index, attempt in enumerate(reversed(attempts))
        ],
        "has_older_attempts": bool(attempts) and attempts[0].number > 1,
    }


def code_badge(failed: Attempt | Execution) -> SafeString:
    """Defer's code of an error, with its meaning."""
    return badge("code", failed.error_code, visible(failed.get_error_code_display()))


def _running(execution: Execution, written: dict[int, LogOfAttempt]) -> dict[str, Any] | None:
    if execution.state not in (State.STARTED, State.ABORTING):
        return None
    log = written.get(execution.attempt)
    return {
        "number": execution.attempt,
        "state": state_badge(execution.state),
        "started": moment(execution.started_at, with_zone=True),
        "worker": execution.worker,
        "log": logs.context(log) if log else None,
    }


def _ended(
    admin: ReadOnlyAdmin[Any], attempt: Attempt, log: LogOfAttempt | None, *, is_open: bool, with_values: bool
) -> dict[str, Any]:
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
        "alike_url": admin.executions_url(error=attempt.error_key) if attempt.error_key else None,
        "traceback": tracebacks.html(attempt.traceback) if attempt.traceback and with_values else None,
        "log": logs.context(log) if log else None,
        "is_open": is_open,
    }
