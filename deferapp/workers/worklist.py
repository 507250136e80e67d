"""The executions that a process has claimed by one message, and which of them have begun."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from deferapp.models import Execution


class Worklist:
    """Taken from its front by whoever runs it; emptied from outside when the front takes long or the worker ends."""

    def __init__(self, claim: UUID, executions: Sequence[Execution]) -> None:
        self.claim = claim
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

    def surrender(self) -> list[Execution]:
        """All that have not begun, which this process will not begin any more."""
        with self._lock:
            rest = list(self._waiting)
            self._waiting.clear()
            return rest

    def stalled_for(self) -> float:
        """Seconds since the latest execution was taken."""
        return time.monotonic() - self._latest_take
