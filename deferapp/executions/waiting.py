"""Waiting for executions to end.

One thread of a process asks the ledger for all that anybody in it waits for, in one query by primary key, often enough
that nobody waits 50 ms too long, and not at all while nobody waits. A function that waits for another keeps its place
in the worker meanwhile: with a single place, the other never runs.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Final
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError, connections

from deferapp.exceptions import DeferError, ResultTimeout
from deferapp.executions import current
from deferapp.executions.states import ENDED
from deferapp.models import Execution, ledger

INTERVAL: Final = 0.02
"""Seconds between two questions."""
MOST_IDS: Final = 500
"""Ids that one question names; the others come when some of these have ended."""


class Waiters:
    """Who waits for what in this process."""

    def __init__(self, ended: Callable[[list[UUID]], Iterable[UUID]], pause: Callable[[float], float]) -> None:
        """`ended`: those of the ids that have ended; `pause`: s between two questions, s after the latest has come."""
        self._ended = ended
        self._pause = pause
        self._latest = float("-inf")
        self._futures: dict[UUID, list[Future[None]]] = {}
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._thread: threading.Thread | None = None

    def add(self, id: UUID) -> Future[None]:
        future: Future[None] = Future()
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._futures, self._thread = os.getpid(), {}, None
            self._latest = time.monotonic()
            self._futures.setdefault(id, []).append(future)
            if self._thread is None:
                self._thread = threading.Thread(target=self._ask_while_needed, name="deferapp-waiting", daemon=True)
                self._thread.start()
        return future

    def remove(self, id: UUID, future: Future[None]) -> None:
        with self._lock:
            waiting = self._futures.get(id, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._futures.pop(id, None)

    def wait(self, id: UUID, within: float | None = None) -> None:
        """Return when it has ended. Raises `TimeoutError` after `within` s."""
        future = self.add(id)
        try:
            future.result(within)
        finally:
            self.remove(id, future)

    async def await_(self, id: UUID, within: float | None = None) -> None:
        """`wait` from async code."""
        future = self.add(id)
        try:
            await asyncio.wait_for(asyncio.wrap_future(future), within)
        finally:
            self.remove(id, future)

    def _ask_while_needed(self) -> None:
        pause = threading.Event()
        try:
            while ids := self._wanted():
                self._resolve(self._ask(ids[:MOST_IDS]))
                pause.wait(self._pause(time.monotonic() - self._latest))
        finally:
            connections.close_all()

    def _ask(self, ids: list[UUID]) -> Iterable[UUID]:
        try:
            return self._ended(ids)
        except DatabaseError:
            connections.close_all()
            return []

    def _wanted(self) -> list[UUID]:
        with self._lock:
            if not self._futures:
                self._thread = None
            return list(self._futures)

    def _resolve(self, ids: Iterable[UUID]) -> None:
        with self._lock:
            done = [future for id in ids for future in self._futures.pop(id, [])]
        for future in done:
            future.set_result(None)


def _ended(ids: list[UUID]) -> list[UUID]:
    rows = Execution.objects.using(ledger()).filter(id__in=ids, state__in=ENDED)
    return list(rows.values_list("id", flat=True))


_waiters = Waiters(_ended, lambda _age: INTERVAL)


def prepare() -> None:
    """Before waiting: write what the running function has enqueued. Raises `DeferError` inside a transaction."""
    if connections[ledger()].in_atomic_block:
        raise DeferError("Do not wait inside a transaction: the execution starts when it has committed.")
    current.write_collected()


def wait(execution: Execution, within: float | None = None) -> Any:
    """The execution's result, when it has ended. Raises as `Execution.result`; `ResultTimeout` after `within` s."""
    prepare()
    try:
        _waiters.wait(execution.id, within)
    except TimeoutError:
        raise ResultTimeout(f"{execution} has not ended within {within} s.") from None
    return execution.result


async def await_(execution: Execution, within: float | None = None) -> Any:
    """`wait` from async code."""
    await sync_to_async(current.write_collected)()
    try:
        await _waiters.await_(execution.id, within)
    except TimeoutError:
        raise ResultTimeout(f"{execution} has not ended within {within} s.") from None
    return await execution.aresult()
