"""Recording how an attempt ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deferapp.executions import life
from deferapp.executions.endings import outcome
from deferapp.executions.logs import write as logs
from deferapp.workers import presence
from deferapp.workers.attempt import Ended, Gone

if TYPE_CHECKING:
    from deferapp.executions.logs.log import Log
    from deferapp.functions.registry import AnyFunction
    from deferapp.models import Execution


def record(function: AnyFunction, execution: Execution, ended: Ended | Gone, log: Log | None = None) -> bool:
    """Settle an execution that this process holds. If its claim is gone, nothing happens: False.

    What it has logged is written before: who sees that it has ended can read it.
    """
    if log is not None:
        log.close()
        logs.write([log])
    if isinstance(ended, Gone):
        return bool(life.discard(execution, ended.reason))
    if ended.failure is None:
        ending = outcome.of_success(execution, ended.started_at, ended.ended_at, ended.result_json)
    else:
        ending = outcome.of_failure(execution, function.config, ended.failure, ended.started_at, ended.ended_at)
    return bool(life.settle([ending], worker=str(presence.current())))
