"""Enqueues of a running function, collected and written together.

A function that enqueues in a burst would spend its time on one round trip a child. So the first child is written at
once, those that follow quickly are kept until they are many, until they are old, or until the body has ended: always
before the attempt is settled. If the process dies first, the next attempt enqueues them, by the ids of children.

Async code goes on while they are written, so that a long loop and the database work side by side.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from asgiref.sync import sync_to_async

if TYPE_CHECKING:
    from deferapp.models import Execution

BURST: Final = 0.02
"""Seconds between two enqueues of a burst at the most."""
FULL: Final = 1_000
"""Executions that are written together."""
STALE: Final = 0.1
"""Seconds after which the oldest is written even if no other comes."""

_collectors: WeakSet[Collector] = WeakSet()


class Collector:
    """The enqueues of one attempt. Threads of the body and the watching thread share it."""

    def __init__(self, write: Callable[[Sequence[Execution]], None]) -> None:
        self._write = write
        self._waiting: list[Execution] = []
        self._latest = self._oldest = float("-inf")
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._behind: asyncio.Task[None] | None = None
        self._is_behind = False

    def takes(self, execution: Execution) -> bool:
        """Keep it if it comes in a burst; if not, the caller writes it itself."""
        moment = time.monotonic()
        with self._lock:
            follows = moment - self._latest < BURST
            self._latest = moment
            if not follows and not self._waiting:
                return False
            if not self._waiting:
                self._oldest = moment
                _collectors.add(self)
            self._waiting.append(execution)
            return True

    @property
    def is_full(self) -> bool:
        """Whether a list is to be written now; if one is being written while async code goes on, there may be two."""
        return len(self._waiting) >= (2 * FULL if self._is_behind else FULL)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to be written, and nobody is at it."""
        return not self._waiting and not self._writing.locked()

    @property
    def is_stale(self) -> bool:
        return bool(self._waiting) and time.monotonic() - self._oldest > STALE

    def flush(self) -> None:
        """Write what waits, and wait for what another thread is writing. If it fails, all of it waits again."""
        with self._writing:
            with self._lock:
                batch, self._waiting = self._waiting, []
            if not batch:
                return
            try:
                self._write(batch)
            except BaseException:
                with self._lock:
                    self._waiting[:0] = batch
                raise

    async def aflush_behind(self) -> None:
        """Have what waits written while the caller goes on. What was begun so before has to have succeeded."""
        before, self._behind = self._behind, None
        if before is not None:
            await _succeed(before)
        self._is_behind = True
        self._behind = asyncio.create_task(sync_to_async(self._flush_behind)())
        self._behind.add_done_callback(_error)  # or Python would say that nobody looked at it
        await asyncio.sleep(0)  # which begins it: a body that only enqueues waits for nothing else

    def _flush_behind(self) -> None:
        try:
            self.flush()
        finally:
            self._is_behind = False


async def _succeed(task: asyncio.Task[None]) -> None:
    """Wait for a task. One that was cancelled has left what waits to the next flush."""
    if not task.done():
        await asyncio.wait([task])
    if error := _error(task):
        raise error


def _error(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


def stale() -> list[Collector]:
    """Collectors of this process whose oldest enqueue has waited long enough."""
    return [collector for collector in list(_collectors) if collector.is_stale]
