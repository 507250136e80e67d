"""Waiting for executions to end.

One thread of a process asks the ledger for all that anybody in it waits for, in one query by primary key, often enough
that nobody waits 50 ms too long, and not at all while nobody waits. A function that waits for another keeps its place
in the worker meanwhile: with a single place, the other never runs.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
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


class Waiters:
    """Who waits for what in this process."""

    def __init__(self) -> None:
        self._futures: dict[UUID, list[Future[None]]] = {}
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._thread: threading.Thread | None = None

    def add(self, id: UUID) -> Future[None]:
        future: Future[None] = Future()
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._futures, self._thread = os.getpid(), {}, None
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

    def _ask_while_needed(self) -> None:
        pause = threading.Event()
        try:
            while ids := self._wanted():
                self._resolve(_ended(ids))
                pause.wait(INTERVAL)
        finally:
            connections.close_all()

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


_waiters = Waiters()


def _ended(ids: list[UUID]) -> list[UUID]:
    try:
        rows = Execution.objects.using(ledger()).filter(id__in=ids[:500], state__in=ENDED)
        return list(rows.values_list("id", flat=True))
    except DatabaseError:
        connections.close_all()
        return []


def wait(execution: Execution, within: float | None = None) -> Any:
    """The execution's result, when it has ended. Raises as `Execution.result`; `ResultTimeout` after `within` s."""
    if connections[ledger()].in_atomic_block:
        raise DeferError("Do not wait inside a transaction: the execution starts when it has committed.")
    current.write_collected()
    future = _waiters.add(execution.id)
    try:
        future.result(within)
    except FutureTimeout:
        raise ResultTimeout(f"{execution} has not ended within {within} s.") from None
    finally:
        _waiters.remove(execution.id, future)
    return execution.result


async def await_(execution: Execution, within: float | None = None) -> Any:
    """`wait` from async code."""
    await sync_to_async(current.write_collected)()
    future = _waiters.add(execution.id)
    try:
        await asyncio.wait_for(asyncio.wrap_future(future), within)
    except TimeoutError:
        raise ResultTimeout(f"{execution} has not ended within {within} s.") from None
    finally:
        _waiters.remove(execution.id, future)
    return await execution.aresult()
