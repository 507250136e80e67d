"""How often a body has made each call so far, which is part of what a child is.

A call in a transaction that is rolled back was not made: if the body tries again, that is the same call, in this
attempt and in the next.
"""

from __future__ import annotations

import threading
from array import array
from collections import Counter
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connections, transaction

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


class Tally:
    """How often each of very many ids was counted, in 16 bytes an id: a dict of a million takes 150 MB.

    A table of the ids' random halves, at most half full; what was counted more than once stands in a dict besides. That
    two ids of a million have the same half is a matter of one in nine million, and does no harm unless the attempt
    fails and the next makes the two calls in another order: then one of them is enqueued again.
    """

    def __init__(self) -> None:
        self._size = 0
        self._slots = array("Q", bytes(8 * 64))
        self._repeated: dict[int, int] = {}

    def of(self, id: UUID) -> int:
        half = _half(id)
        return self._repeated.get(half, 1) if self._slots[self._place(half)] else 0

    def add(self, id: UUID, count: int) -> int:
        """Count an id some times more. Returns how often it had been counted before."""
        half = _half(id)
        place = self._place(half)
        before = self._repeated.get(half, 1) if self._slots[place] else 0
        if before + count > 1:
            self._repeated[half] = before + count
        if not before:
            self._slots[place] = half
            self._size += 1
            if 2 * self._size > len(self._slots):
                self._grow()
        return before

    def _place(self, half: int) -> int:
        """Where the id is, or could be: what stands in its place already moves it on."""
        slots, last = self._slots, len(self._slots) - 1
        place = half & last
        while slots[place] not in (0, half):
            place = place + 1 & last
        return place

    def _grow(self) -> None:
        known, self._slots = self._slots, array("Q", bytes(2 * 8 * len(self._slots)))
        for half in known:
            if half:
                self._slots[self._place(half)] = half


def _half(id: UUID) -> int:
    """The half of an id that is random, or made of a hash; 0 means none."""
    return id.int & 0x3FFF_FFFF_FFFF_FFFF or 1


class Calls:
    """The calls of one attempt. Threads of the body share it."""

    def __init__(self) -> None:
        self._made = Tally()
        self._lock = threading.Lock()

    def count(self, call: UUID) -> int:
        """How many equal calls came before this one, which counts from now on, or until its transaction rolls back."""
        from deferapp.models import ledger

        connection = connections[ledger()]
        if not connection.in_atomic_block:
            with self._lock:
                return self._made.add(call, 1)
        before = self._made.of(call) + sum(made.calls[call] for made in self._tentative(connection))
        self._in_this_savepoint(connection).calls[call] += 1
        return before

    def _add(self, calls: Counter[UUID]) -> None:
        """Count calls for good."""
        with self._lock:
            for call, count in calls.items():
                self._made.add(call, count)

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
