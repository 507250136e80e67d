"""What commands print as JSON of executions, attempts and functions. Redacted; times in UTC, lengths in seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from deferapp.cli.text import clean
from deferapp.executions.states import State
from deferapp.executions.values import shown
from deferapp.models import Attempt, Execution
from deferapp.redact import redact

_RAN: Final = frozenset({State.SUCCEEDED, State.FAILED, State.ABORTED})
_RUNS: Final = frozenset({State.STARTED, State.ABORTING})


def of_execution(execution: Execution, moment: datetime) -> dict[str, Any]:
    return {
        "id": execution.id,
        "function": execution.function,
        "state": execution.state,
        "attempt": execution.attempt,
        "parent": execution.parent_id,
        "rerun_of": execution.rerun_of_id,
        "created_at": execution.created_at,
        "due_at": execution.due_at,
        "started_at": execution.started_at,
        "ended_at": execution.ended_at,
        "wait": wait(execution, moment),
        "duration": duration(execution, moment),
        "error_code": execution.error_code,
        "reason": clean(execution.reason),
        "metadata": redact(execution.metadata),
    }


def values(execution: Execution) -> dict[str, Any]:
    """Its arguments, and its result if it has one."""
    arguments = shown.arguments(execution.function, execution.arguments_json)
    result = None if execution.result_json is None else shown.result(execution.result_json)
    return {"arguments": arguments, "result": result}


def of_attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "outcome": attempt.outcome,
        "worker": attempt.worker,
        "due_at": attempt.due_at,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "duration": attempt.ended_at - attempt.started_at,
        "retry_at": attempt.retry_at,
        "error_code": attempt.error_code,
        "error_type": attempt.error_type,
        "error_message": clean(attempt.error_message),
        "error_key": attempt.error_key,
        "traceback": clean(attempt.traceback),
    }


def wait(execution: Execution, moment: datetime) -> timedelta | None:
    """From when it was due until it started, or until now; None if it never started, or is not due yet."""
    if execution.state == State.CREATED:
        return moment - execution.due_at if execution.due_at <= moment else None
    if execution.started_at is None or execution.state not in _RAN | _RUNS:
        return None
    return max(execution.started_at - execution.due_at, timedelta())


def duration(execution: Execution, moment: datetime) -> timedelta | None:
    """Of its latest attempt, which may go on."""
    if execution.started_at is None or execution.state not in _RAN | _RUNS:
        return None
    ended_at = moment if execution.state in _RUNS else execution.ended_at
    return None if ended_at is None else max(ended_at - execution.started_at, timedelta())
