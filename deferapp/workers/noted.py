"""The ends of one run's short bodies, noted in the ledger one by one and settled together.

Each is noted before the next body begins, so that a process that is killed leaves at most what was in its body.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from deferapp.executions.endings import notes
from deferapp.workers import persist
from deferapp.workers.record import settle

if TYPE_CHECKING:
    from deferapp.executions.endings.ending import Ending

STALE: Final = 0.05
"""Seconds after which the oldest is settled: until then nobody sees that it has ended."""


class Noted:
    """Filled by whoever runs the bodies; settled by it too, or by the watching thread while a body takes long."""

    def __init__(self) -> None:
        self._waiting: list[Ending] = []
        self._oldest = float("inf")
        self._lock = threading.Lock()
        self._settling = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_stale(self) -> bool:
        return bool(self._waiting) and time.monotonic() - self._oldest > STALE

    def add(self, ending: Ending) -> bool:
        """Note that an attempt has succeeded; it is settled later. False if this process does not hold it any more."""
        if not persist.persist(partial(notes.take, ending)):
            return False
        with self._lock:
            if not self._waiting:
                self._oldest = time.monotonic()
            self._waiting.append(ending)
        return True

    def settle(self) -> bool:
        """Settle what is noted, once. Returns whether all was still held; if it fails, all of it waits again."""
        with self._settling:
            with self._lock:
                ended, self._waiting = self._waiting, []
            if not ended:
                return True
            try:
                return settle(ended)
            except BaseException:
                with self._lock:
                    self._waiting[:0] = ended
                raise
