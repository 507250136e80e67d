"""The execution whose body this code runs in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from deferapp.executions.calls import Calls
from deferapp.executions.collect import Collector
from deferapp.executions.ids import child_id, due_moment_of

if TYPE_CHECKING:
    from deferapp.executions.logs.log import Log


@dataclass(frozen=True, kw_only=True)
class CurrentExecution:
    """What a running function may know of its execution."""

    id: UUID
    """The same in every attempt: a key for making side effects idempotent."""
    function: str
    attempt: int
    """1 in the first attempt."""
    parent_id: UUID | None
    created_at: datetime
    """When it was enqueued; the same in every attempt."""
    collector: Collector | None = field(default=None, repr=False)
    """Keeps the enqueues of its body until they are written."""
    log: Log | None = field(default=None, repr=False)
    """Keeps what its body logs until it is written."""
    _calls: Calls = field(default_factory=Calls, repr=False)

    @property
    def due_moment(self) -> datetime | None:
        """The moment of its schedule that it was fired for, also long after, by a backfill; None if it was called."""
        return due_moment_of(self.id, self.function)

    def next_child_id(self, function: str, arguments: str) -> UUID:
        """The id of the child that this call enqueues; the same call in a later attempt gets the same id."""
        first = child_id(self.id, function, arguments, 0)
        occurrence = self._calls.count(first)
        return first if occurrence == 0 else child_id(self.id, function, arguments, occurrence)


_current: ContextVar[CurrentExecution | None] = ContextVar("deferapp_current_execution", default=None)


def current_execution() -> CurrentExecution | None:
    """The execution that runs this code, also in coroutines and `sync_to_async` threads of it; None outside of any."""
    return _current.get()


def write_collected() -> None:
    """Write what the running function, if any, has enqueued and that waits to be written together with more."""
    current = _current.get()
    if current is not None and current.collector is not None:
        current.collector.flush()


@contextmanager
def running(execution: CurrentExecution) -> Iterator[None]:
    token = _current.set(execution)
    try:
        yield
    finally:
        _current.reset(token)
