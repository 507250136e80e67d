"""How long an execution waited and ran, as its row tells: for an execution with several attempts, the latest."""

from __future__ import annotations

from datetime import datetime, timedelta

from deferapp.admin.display import NOTHING, ahead, span
from deferapp.executions.states import State
from deferapp.models import Execution

_RAN = frozenset({State.SUCCEEDED, State.FAILED, State.ABORTED})
_RUNS = frozenset({State.STARTED, State.ABORTING})


def wait(execution: Execution, now: datetime) -> str:
    """From when it was due until it was claimed; or until when it still waits."""
    if execution.state == State.CREATED:
        return ahead(execution.due_at - now) if execution.due_at > now else f"{span(now - execution.due_at)} …"
    if execution.started_at is None or execution.state not in _RAN | _RUNS:
        return NOTHING
    return span(execution.started_at - execution.due_at)


def duration(execution: Execution, now: datetime) -> str:
    """Of the latest attempt, from its start to its end; so far, if it runs."""
    length = _duration(execution, now)
    if length is None:
        return NOTHING
    return f"{span(length)} …" if execution.state in _RUNS else span(length)


def _duration(execution: Execution, now: datetime) -> timedelta | None:
    if execution.started_at is None:
        return None
    if execution.state in _RUNS:
        return now - execution.started_at
    if execution.state in _RAN and execution.ended_at is not None:
        return execution.ended_at - execution.started_at
    return None
