"""Publishing executions: at once, when the transaction commits, or later by housekeeping.

An execution's `dispatch_at` says how it stands: equal to `due_at`, it has not been published; later, it has, and is
published again then if nobody has claimed it; null, it is not waiting. So a message that is lost costs time only.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import Error, connections, transaction
from django.db.models import F

from deferapp import clock, conf
from deferapp.dispatch import message
from deferapp.dispatch.broker import broker, logger, reaches_a_worker
from deferapp.executions import limits
from deferapp.executions.states import State
from deferapp.models import Execution, ledger
from deferapp.models.locking import update_in_order

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from deferapp.functions.registry import AnyFunction


def now(function: str, ids: Sequence[UUID], *, alone: bool = False, priority: int = 0) -> int:
    """Publish executions of a function, in lists or each alone; `priority` is that of Django's tasks.

    Never raises; returns how many of the ids, from the first on, left.
    """
    if not reaches_a_worker():
        return 0
    size = 1 if alone else list_size(len(ids))
    for start in range(0, len(ids), size):
        if not broker.send(function, *message.build(ids[start : start + size]), priority=priority):
            return start
    return len(ids)


def on_commit(function: str, ids: Iterable[UUID], *, priority: int = 0) -> None:
    """Publish executions of a function as soon as their rows are committed, at once outside a transaction."""
    alias = ledger()
    connection = connections[alias]
    if not connection.in_atomic_block:
        _publish_or_leave(function, list(ids), priority)
        return
    outgoing = _outgoing(connection)
    if outgoing is None:
        outgoing = Outgoing()
        transaction.on_commit(outgoing.leave, using=alias, robust=True)
    outgoing.add(function, ids, priority)


def wake(function: AnyFunction, key: str) -> None:
    """Publish the oldest executions that wait under a limit, as many as it has slots."""
    waiting = limits.under(function, key).filter(state=State.CREATED, due_at__lte=clock.now())
    oldest = waiting.order_by("created_at", "id").values_list("id", flat=True)
    ids = list(oldest[: function.config.concurrency])
    if ids:
        now(function.name, ids)


class Outgoing:
    """The executions that a transaction enqueues, published together when it commits."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, int], list[UUID]] = {}

    def add(self, function: str, ids: Iterable[UUID], priority: int = 0) -> None:
        self._ids.setdefault((function, priority), []).extend(ids)

    def leave(self) -> None:
        for (function, priority), ids in self._ids.items():
            _publish_or_leave(function, ids, priority)


def list_size(count: int) -> int:
    """How many of `count` executions a message names: few enough to occupy many processes, many enough to be cheap."""
    return max(1, min(conf.current().LIST_SIZE, message.MOST_IDS, count // 16))


def _outgoing(connection: BaseDatabaseWrapper) -> Outgoing | None:
    """What this transaction publishes so far, if it stands under the same savepoints and so shares their fate."""
    savepoints = set(connection.savepoint_ids)
    for entry in itertools.islice(reversed(connection.run_on_commit), 8):
        known, hook = entry[:2]
        outgoing = getattr(hook, "__self__", None)
        if isinstance(outgoing, Outgoing) and known == savepoints:
            return outgoing
    return None


noticed: list[Callable[[], None]] = []
"""What is called when something has been enqueued here; it returns at once and never raises."""


def _publish_or_leave(function: str, ids: list[UUID], priority: int) -> None:
    sent = now(function, ids, priority=priority)
    for notice in noticed:
        notice()
    for start in range(sent, len(ids), 500):
        leave_to_housekeeping(ids[start : start + 500])


def leave_to_housekeeping(ids: list[UUID]) -> None:
    """Mark executions as not published. If even that fails, `REPUBLISH_AFTER` does."""
    waiting = Execution.objects.using(ledger()).filter(id__in=ids, state=State.CREATED)
    try:
        update_in_order(waiting, dispatch_at=F("due_at"))
    except Error:
        logger.warning("%d executions are published later than they could be", len(ids), exc_info=True)
