"""How an attempt ended: where that leads to, and the row that records it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from deferapp.executions.endings.failure import Failure
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution

_OUTCOMES: Final = {
    State.SUCCEEDED: Attempt.Outcome.SUCCEEDED,
    State.FAILED: Attempt.Outcome.FAILED,
    State.CREATED: Attempt.Outcome.FAILED,
    State.ABORTED: Attempt.Outcome.ABORTED,
}


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How an attempt ended: with a result, or with a failure and maybe a retry."""

    execution: Execution
    started_at: datetime
    ended_at: datetime
    result_json: str | None = None
    failure: Failure | None = None
    retry_at: datetime | None = None
    counts: bool = True
    """Whether it counts against the policy of retries."""

    def leads_to(self) -> tuple[tuple[State, ...], dict[str, Any]]:
        """The path of states and what is written at its end, unless the execution has been aborted."""
        times = {"started_at": self.started_at, "ended_at": self.ended_at}
        if self.failure is None:
            values = {"result_json": self.result_json, "error_code": "", "reason": ""}
            return (State.STARTED, State.SUCCEEDED), {**values, **times}
        values = {"error_code": self.failure.code, "reason": self.failure.summary[:500]}
        if self.retry_at is None:
            return (State.STARTED, State.FAILED), {**values, **times}
        due = {"due_at": self.retry_at, "dispatch_at": self.retry_at, "started_at": self.started_at}
        return (State.STARTED, State.FAILED, State.CREATED), {**values, **due}

    def attempt(self, state: State, worker: str) -> Attempt:
        """The attempt that has ended so and led to this state. It is not written."""
        failure = self.failure
        return Attempt(
            execution=self.execution,
            number=self.execution.attempt,
            outcome=_OUTCOMES[state],
            counts=self.counts,
            worker=worker[:300],
            due_at=self.execution.due_at,
            started_at=self.started_at,
            ended_at=self.ended_at,
            retry_at=self.retry_at,
            error_code=failure.code if failure else "",
            error_type=failure.type if failure else "",
            error_message=failure.message if failure else "",
            traceback=failure.traceback if failure else "",
            place=failure.place if failure else "",
            error_key=failure.key(self.execution.function) if failure and state != State.ABORTED else "",
        )
