"""Recording how an attempt ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deferapp.executions import life
from deferapp.executions.endings import outcome
from deferapp.workers import presence
from deferapp.workers.attempt import Ended, Gone

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction
    from deferapp.models import Execution


def record(function: AnyFunction, execution: Execution, ended: Ended | Gone) -> bool:
    """Settle an execution that this process holds. If its claim is gone, nothing happens: False."""
    if isinstance(ended, Gone):
        return bool(life.discard(execution, ended.reason))
    if ended.failure is None:
        ending = outcome.of_success(execution, ended.started_at, ended.ended_at, ended.result_json)
    else:
        ending = outcome.of_failure(execution, function.config, ended.failure, ended.started_at, ended.ended_at)
    return bool(life.settle([ending], worker=str(presence.current())))
