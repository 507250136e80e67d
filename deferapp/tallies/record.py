"""Noting the ends that are to be counted, in the transaction that makes them: so none is counted that was rolled back.

One INSERT for all the ends of a transaction, and no look at any tally: those who settle never wait for each other here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from deferapp.executions.states import State
from deferapp.models import Attempt, TallyEntry, TallyOutcome, ledger

UNSTARTED: Final = {
    State.CANCELLED: TallyOutcome.CANCELLED,
    State.ABORTED: TallyOutcome.CANCELLED,
    State.DISCARDED: TallyOutcome.DISCARDED,
}
"""What is counted of an execution that ends in this state without an attempt that ends."""


def attempts(ended: Iterable[Attempt]) -> None:
    """Note attempts that have ended; their executions are at hand."""
    _write(entry_of(attempt, attempt.execution.function) for attempt in ended)


def unstarted(state: State, executions: Iterable[tuple[UUID, str]], ended_at: datetime) -> None:
    """Note executions, by id and function, that ended in this state without an attempt that ended by it."""
    _write(
        TallyEntry(execution_id=id, function=function, outcome=UNSTARTED[state], ended_at=ended_at)
        for id, function in executions
    )


def entry_of(attempt: Attempt, function: str) -> TallyEntry:
    """What is counted of an attempt of this function. It is not written."""
    return TallyEntry(
        execution_id=attempt.execution_id,
        number=attempt.number,
        function=function,
        outcome=_outcome(attempt),
        ended_at=attempt.ended_at,
        wait=max(timedelta(), attempt.started_at - attempt.due_at) if attempt.due_at else None,
        duration=attempt.ended_at - attempt.started_at,
        error_key=attempt.error_key,
    )


def _outcome(attempt: Attempt) -> TallyOutcome:
    if attempt.outcome == Attempt.Outcome.SUCCEEDED:
        return TallyOutcome.SUCCEEDED
    if attempt.outcome == Attempt.Outcome.ABORTED:
        return TallyOutcome.CANCELLED
    return TallyOutcome.RETRIED if attempt.retry_at else TallyOutcome.FAILED


def _write(entries: Iterable[TallyEntry]) -> None:
    TallyEntry.objects.using(ledger()).bulk_create(list(entries))
