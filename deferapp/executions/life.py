"""The life of executions: the only module that changes their state.

Every change is one conditional UPDATE that names the state it comes from, so that of two workers only one makes it,
and every change made by a worker also names its claim, so that a worker whose claim is gone can change nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from deferapp.clock import now
from deferapp.exceptions import MoveError
from deferapp.executions.failure import Failure
from deferapp.executions.states import MOVES, State
from deferapp.models import Attempt, Execution, ledger


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How an attempt ended: with a result, or with a failure and maybe a retry."""

    execution: Execution
    started_at: datetime
    ended_at: datetime
    result_json: str | None = None
    failure: Failure | None = None
    retry_at: datetime | None = None


def claim(function: str, ids: Sequence[UUID], *, claim: UUID, worker_id: int) -> list[Execution]:
    """Start the attempts of those executions that nobody has started, in the order of their enqueueing.

    Others are left out without a word: they run elsewhere, have ended, are not due, or were never committed. Asked
    again with the same claim, it gives the same executions: the answer to the first call may have been lost.
    """
    rows = Execution.objects.using(ledger()).filter(id__in=ids)
    moment = now()
    _move(
        rows.filter(function=function, due_at__lte=moment),
        State.CREATED,
        State.STARTED,
        attempt=F("attempt") + 1,
        claim=claim,
        worker_id=worker_id,
        started_at=moment,
        dispatch_at=None,
    )
    return list(rows.filter(claim=claim).order_by("created_at", "id"))


def settle(claim: UUID, endings: Sequence[Ending], *, worker: str) -> int:
    """Record how attempts ended, all or none. Returns how many were still held by this claim; others are left alone."""
    with transaction.atomic(using=ledger()):
        held = [ending for ending in endings if _end(claim, ending)]
        Attempt.objects.using(ledger()).bulk_create([_attempt(ending, worker) for ending in held])
    return len(held)


def give_back(claim: UUID, executions: Sequence[Execution] | None = None) -> int:
    """Let others run what was claimed but has not begun, all of the claim if no executions are named.

    Their attempts do not count.
    """
    rows = _held(claim)
    if executions is not None:
        rows = rows.filter(id__in=[execution.id for execution in executions])
    return _move(
        rows,
        State.STARTED,
        State.CREATED,
        attempt=F("attempt") - 1,
        dispatch_at=F("due_at"),
        started_at=None,
        **_FREE,
    )


def discard(claim: UUID, execution: Execution, reason: str) -> int:
    """End an execution that must not run any more before its body has begun."""
    return _move(
        _held(claim).filter(id=execution.id),
        State.STARTED,
        State.CREATED,
        State.DISCARDED,
        attempt=F("attempt") - 1,
        ended_at=now(),
        reason=reason[:500],
        **_FREE,
    )


_FREE: dict[str, Any] = {"claim": None, "worker_id": None}


def _held(claim: UUID) -> QuerySet[Execution]:
    return Execution.objects.using(ledger()).filter(claim=claim)


def _move(rows: QuerySet[Execution], *path: State, **values: Any) -> int:
    """Take rows that are in the first state of the path to the last, by moves of the table. Returns how many went."""
    for move in itertools.pairwise(path):
        if move not in MOVES:
            raise MoveError(f"An execution does not go from {move[0]} to {move[1]}.")
    return rows.filter(state=path[0]).update(state=path[-1], **values)


def _end(claim: UUID, ending: Ending) -> int:
    row = _held(claim).filter(id=ending.execution.id)
    times = {"started_at": ending.started_at, "ended_at": ending.ended_at}
    if ending.failure is None:
        values = {"result_json": ending.result_json, "error_code": "", "reason": ""}
        return _move(row, State.STARTED, State.SUCCEEDED, **values, **times, **_FREE)
    values = {"error_code": ending.failure.code, "reason": ending.failure.summary[:500]}
    if ending.retry_at is None:
        return _move(row, State.STARTED, State.FAILED, **values, **times, **_FREE)
    due = {"due_at": ending.retry_at, "dispatch_at": ending.retry_at, "started_at": ending.started_at}
    return _move(row, State.STARTED, State.FAILED, State.CREATED, **values, **due, **_FREE)


def _attempt(ending: Ending, worker: str) -> Attempt:
    failure = ending.failure
    return Attempt(
        execution_id=ending.execution.id,
        number=ending.execution.attempt,
        outcome=Attempt.Outcome.SUCCEEDED if failure is None else Attempt.Outcome.FAILED,
        worker=worker[:300],
        started_at=ending.started_at,
        ended_at=ending.ended_at,
        retry_at=ending.retry_at,
        error_code=failure.code if failure else "",
        error_type=failure.type if failure else "",
        error_message=failure.message if failure else "",
        traceback=failure.traceback if failure else "",
    )
