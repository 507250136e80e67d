"""What is counted: the end of an attempt, or of an execution that ended without one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from deferapp.executions.states import State
from deferapp.models import Attempt, TallyOutcome

UNSTARTED: Final = {
    State.CANCELLED: TallyOutcome.CANCELLED,
    State.ABORTED: TallyOutcome.CANCELLED,
    State.DISCARDED: TallyOutcome.DISCARDED,
}
"""What is counted of an execution that ends in this state without an attempt that ends so."""


class End(NamedTuple):
    """One end. The fields are those of `TallyEntry`."""

    function: str
    outcome: str
    ended_at: datetime
    execution_id: UUID
    number: int = 0
    """Of the attempt; 0 if it is the end of none."""
    wait: timedelta | None = None
    duration: timedelta | None = None
    error_key: str = ""


class AttemptRow(Protocol):
    """An attempt, or a row of its values."""

    @property
    def execution_id(self) -> UUID: ...
    @property
    def number(self) -> int: ...
    @property
    def outcome(self) -> str: ...
    @property
    def due_at(self) -> datetime | None: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime: ...
    @property
    def retry_at(self) -> datetime | None: ...
    @property
    def error_key(self) -> str: ...


def of_attempt(attempt: AttemptRow, function: str) -> End:
    """The end of an attempt of this function. What clocks that differ make a negative time is none."""
    return End(
        function=function,
        outcome=_outcome(attempt),
        ended_at=attempt.ended_at,
        execution_id=attempt.execution_id,
        number=attempt.number,
        wait=max(timedelta(), attempt.started_at - attempt.due_at) if attempt.due_at else None,
        duration=max(timedelta(), attempt.ended_at - attempt.started_at),
        error_key=attempt.error_key,
    )


def _outcome(attempt: AttemptRow) -> str:
    if attempt.outcome == Attempt.Outcome.SUCCEEDED:
        return TallyOutcome.SUCCEEDED.value
    if attempt.outcome == Attempt.Outcome.ABORTED:
        return TallyOutcome.CANCELLED.value
    return TallyOutcome.RETRIED.value if attempt.retry_at else TallyOutcome.FAILED.value
