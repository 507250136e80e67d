"""The row of an attempt that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deferapp.executions.states import State
from deferapp.models import Attempt

if TYPE_CHECKING:
    from deferapp.executions.life import Ending

_OUTCOMES: Final = {
    State.SUCCEEDED: Attempt.Outcome.SUCCEEDED,
    State.FAILED: Attempt.Outcome.FAILED,
    State.CREATED: Attempt.Outcome.FAILED,
    State.ABORTED: Attempt.Outcome.ABORTED,
}


def row(ending: Ending, state: State, worker: str) -> Attempt:
    """The attempt that ended so and led to this state of its execution. It is not written."""
    failure = ending.failure
    return Attempt(
        execution_id=ending.execution.id,
        number=ending.execution.attempt,
        outcome=_OUTCOMES[state],
        counts=ending.counts,
        worker=worker[:300],
        started_at=ending.started_at,
        ended_at=ending.ended_at,
        retry_at=ending.retry_at,
        error_code=failure.code if failure else "",
        error_type=failure.type if failure else "",
        error_message=failure.message if failure else "",
        traceback=failure.traceback if failure else "",
    )
