"""The executions that a process has claimed by one message, which of them have begun, and which ends are noted."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from uuid import UUID

from deferapp.models import Execution
from deferapp.workers.noted import Noted


class Worklist:
    """Taken from its front by whoever runs it; emptied from outside when the front takes long or the worker ends."""

    def __init__(self, executions: Sequence[Execution]) -> None:
        self.noted = Noted()
        self._waiting = deque(executions)
        self._lock = threading.Lock()
        self._latest_take = time.monotonic()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> Execution | None:
        """The next execution, which begins now; None when there is no other."""
        with self._lock:
            self._latest_take = time.monotonic()
            return self._waiting.popleft() if self._waiting else None

    def add(self, executions: Sequence[Execution]) -> None:
        with self._lock:
            self._waiting.extend(executions)

    def waiting(self) -> list[Execution]:
        with self._lock:
            return list(self._waiting)

    def surrender(self, ids: Collection[UUID] | None = None) -> list[Execution]:
        """Those that have not begun, all or the named ones, which this process will not begin any more."""
        with self._lock:
            stays = [each for each in self._waiting if ids is not None and each.id not in ids]
            given = [each for each in self._waiting if ids is None or each.id in ids]
            self._waiting = deque(stays)
            return given

    def stalled_for(self) -> float:
        """Seconds since the latest execution was taken."""
        return time.monotonic() - self._latest_take
