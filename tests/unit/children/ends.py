"""Children and batches, and the ends that a test gives to their executions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.current import CurrentExecution
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import State
from deferapp.models import Execution
from tests.unit.rows import claim, make_execution

FAILURE = failure.of(ValueError("no such street"))


def attempt_of(parent: Execution, attempt: int = 1) -> CurrentExecution:
    return CurrentExecution(
        id=parent.pk, function=parent.function, attempt=attempt, parent_id=None, created_at=parent.created_at
    )


def rows(ids: Iterable[UUID]) -> list[Execution]:
    return list(Execution.objects.filter(pk__in=list(ids)).order_by("created_at", "id"))


def start(ids: Iterable[UUID]) -> list[Execution]:
    return claim(rows(ids))


def succeed(ids: Iterable[UUID]) -> None:
    _settle(start(ids))


def fail(ids: Iterable[UUID], retry_in: timedelta | None = None) -> None:
    """Fail for good, or until the retry."""
    _settle(start(ids), failure=FAILURE, retry_at=None if retry_in is None else now() + retry_in)


def _settle(held: list[Execution], **how: Any) -> None:
    moment = now()
    endings = [Ending(execution=each, started_at=moment, ended_at=moment, **how) for each in held]
    assert life.settle(endings, worker="of the tests") == len(held)


def make_children(parent: Execution, count: int, function: str = "shop.defer.mail") -> list[UUID]:
    return [make_execution(function, parent=parent).pk for _ in range(count)]


def states_of(parent: Execution) -> list[str]:
    return sorted(parent.children.values_list("state", flat=True))


def one_of_each(parent: Execution) -> dict[State, UUID]:
    """A child in every state but discarded."""
    children = make_children(parent, 7)
    _created, started, succeeded, failed, cancelled, aborting, aborted = children
    succeed([succeeded])
    fail([failed])
    start([started, aborting])
    life.cancel(cancelled)
    life.abort(aborting)
    (held,) = start([aborted])
    life.abort(aborted)
    _settle([held])
    return dict(zip(_STATES, children, strict=True))


_STATES = (
    State.CREATED,
    State.STARTED,
    State.SUCCEEDED,
    State.FAILED,
    State.CANCELLED,
    State.ABORTING,
    State.ABORTED,
)
