"""How often a body has made each call so far, which is part of what a child is.

A call in a transaction that is rolled back was not made: if the body tries again, that is the same call, in this
attempt and in the next.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connections, transaction

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


class Calls:
    """The calls of one attempt. Threads of the body share it."""

    def __init__(self) -> None:
        self._made: Counter[UUID] = Counter()
        self._lock = threading.Lock()

    def count(self, call: UUID) -> int:
        """How many equal calls came before this one, which counts from now on, or until its transaction rolls back."""
        from deferapp.models import ledger

        connection = connections[ledger()]
        if not connection.in_atomic_block:
            return self._add(Counter({call: 1}))[call]
        before = self._made[call] + sum(made.calls[call] for made in self._tentative(connection))
        self._in_this_savepoint(connection).calls[call] += 1
        return before

    def _add(self, calls: Counter[UUID]) -> Counter[UUID]:
        """Count calls for good. Returns how many of each there were before."""
        with self._lock:
            before = Counter({call: self._made[call] for call in calls})
            self._made.update(calls)
            return before

    def _tentative(self, connection: BaseDatabaseWrapper) -> list[_Tentative]:
        """What has been called in this transaction and not been rolled back with a savepoint."""
        hooks = [entry[1] for entry in connection.run_on_commit]
        return [hook for hook in hooks if isinstance(hook, _Tentative) and hook.of is self]

    def _in_this_savepoint(self, connection: BaseDatabaseWrapper) -> _Tentative:
        savepoints = tuple(connection.savepoint_ids)
        for made in self._tentative(connection):
            if made.savepoints == savepoints:
                return made
        made = _Tentative(self, savepoints)
        transaction.on_commit(made, using=connection.alias)
        return made


class _Tentative:
    """Calls that count for good when their transaction commits; Django drops it with their savepoint."""

    def __init__(self, of: Calls, savepoints: tuple[str, ...]) -> None:
        self.of = of
        self.savepoints = savepoints
        self.calls: Counter[UUID] = Counter()

    def __call__(self) -> None:
        self.of._add(self.calls)
