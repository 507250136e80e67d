"""The transactions that a test has open around everything, as Django's `TestCase` has, and what they would hide.

In production a body is in no transaction but its own: a statement that fails fails alone, and what waits for a commit
is called when the body's own transaction commits. So here each body gets a savepoint, to which is gone back only if the
database would refuse everything afterwards; what the body had written before its error is then lost with it, unlike in
production. What waits for the commit is called when the body has ended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from django.db import DatabaseError, connections

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("deferapp.testing")

_OWN_LIMITS: Final = ("lock_timeout", "idle_in_transaction_session_timeout")
"""What claims set in PostgreSQL until their transaction ends, which is the test's here."""


class TestTransactions:
    """Those that are open when the test runs what is enqueued."""

    __test__ = False

    def __init__(self) -> None:
        found = (connection for connection in connections.all(initialized_only=True) if connection.in_atomic_block)
        self._open = [_Open(connection) for connection in found]

    def begin_body(self) -> None:
        for each in self._open:
            each.begin_body()

    def end_body(self) -> None:
        for each in self._open:
            each.end_body()

    def commit(self) -> None:
        """Call what waits for the commit, and what that lets wait, as if each had come."""
        while hooks := [hook for each in self._open for hook in each.hooks()]:
            for hook in hooks:
                hook()

    def end(self) -> None:
        self.commit()
        for each in self._open:
            each.forget_limits()


class _Open:
    """The transaction of one connection."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._hooks = len(connection.run_on_commit)
        self._savepoints = len(connection.savepoint_ids)
        self._blocks = len(connection.atomic_blocks)
        self._body: str | None = None

    def begin_body(self) -> None:
        self._body = self._connection.savepoint()

    def end_body(self) -> None:
        savepoint, self._body = self._body, None
        if savepoint is None:
            return
        try:
            if self._is_broken():
                self._go_back(savepoint)
            else:
                self._connection.savepoint_commit(savepoint)
        except DatabaseError:
            self._go_back(savepoint)

    def hooks(self) -> Iterator[Callable[[], object]]:
        waiting: list[Any] = self._connection.run_on_commit[self._hooks :]
        del self._connection.run_on_commit[self._hooks :]
        for _, hook, is_robust in waiting:
            yield _logged(hook) if is_robust else hook

    def forget_limits(self) -> None:
        if self._connection.vendor == "postgresql" and not self._connection.needs_rollback:
            with self._connection.cursor() as cursor:
                cursor.execute("; ".join(f"SET LOCAL {limit} TO DEFAULT" for limit in _OWN_LIMITS))

    def _is_broken(self) -> bool:
        """Also if the body has begun a transaction and not ended it."""
        return self._connection.needs_rollback or len(self._connection.savepoint_ids) > self._savepoints

    def _go_back(self, savepoint: str) -> None:
        connection: Any = self._connection
        connection.needs_rollback = False
        del connection.savepoint_ids[self._savepoints :], connection.atomic_blocks[self._blocks :]
        connection.savepoint_rollback(savepoint)
        connection.savepoint_commit(savepoint)


def _logged(hook: Any) -> Callable[[], None]:
    def call() -> None:
        try:
            hook()
        except Exception:
            logger.exception("What waited for a commit has failed")

    return call
