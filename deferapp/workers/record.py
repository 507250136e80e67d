"""Recording how an attempt ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deferapp.executions import life
from deferapp.executions.endings import outcome
from deferapp.executions.endings.ending import Ending
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
    return settle([ending_of(function, execution, ended)])


def ending_of(function: AnyFunction, execution: Execution, ended: Ended) -> Ending:
    if ended.failure is None:
        return outcome.of_success(execution, ended.started_at, ended.ended_at, ended.result_json)
    return outcome.of_failure(execution, function.config, ended.failure, ended.started_at, ended.ended_at)


def settle(endings: Sequence[Ending]) -> bool:
    """Whether all of these were still held."""
    return life.settle(endings, worker=str(presence.current())) == len(endings)
