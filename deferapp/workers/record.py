"""Recording how an attempt ended: whether another follows is decided here, and carried out by `life`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deferapp.executions import life, retry
from deferapp.executions.life import Ending
from deferapp.workers import presence
from deferapp.workers.attempt import Ended, Gone

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction
    from deferapp.models import Execution


def record(function: AnyFunction, execution: Execution, ended: Ended | Gone) -> None:
    """Settle an execution that this process holds; if its claim is gone, nothing happens."""
    if isinstance(ended, Gone):
        life.discard(execution, ended.reason)
        return
    wait = retry.delay(function.config.retry_policy, execution.attempt, ended.failure) if ended.failure else None
    ending = Ending(
        execution=execution,
        started_at=ended.started_at,
        ended_at=ended.ended_at,
        result_json=ended.result_json,
        failure=ended.failure,
        retry_at=None if wait is None else ended.ended_at + wait,
    )
    life.settle([ending], worker=str(presence.current()))
