"""How an attempt ended, with what follows it: to be recorded by `life.settle`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from deferapp.executions.endings import past, retry
from deferapp.executions.endings.ending import Ending
from deferapp.executions.endings.failure import Failure

if TYPE_CHECKING:
    from deferapp.functions.config import Config
    from deferapp.models import Execution


def of_success(execution: Execution, started_at: datetime, ended_at: datetime, result_json: str | None) -> Ending:
    return Ending(execution=execution, started_at=started_at, ended_at=ended_at, result_json=result_json)


def of_failure(
    execution: Execution, config: Config, failure: Failure, started_at: datetime, ended_at: datetime
) -> Ending:
    decision = retry.decide(config.retry_policy, past.of(execution), failure, ended_at)
    return Ending(
        execution=execution,
        started_at=started_at,
        ended_at=ended_at,
        failure=failure,
        retry_at=decision.retry_at,
        counts=decision.counts,
    )
