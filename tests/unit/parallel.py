"""Things that happen at the same time, each in a thread with database connections of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from deferapp.workers.persist import persist

T = TypeVar("T")

LIMIT_SECONDS = 30.0


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Begin all calls together and return what they return.

    A call that meets a lock of SQLite, which does not wait for those of its memory, is made again: as workers do.
    """
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        try:
            start.wait(LIMIT_SECONDS)
            return persist(call)
        finally:
            close_connections()

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(run, call) for call in calls]
        return [future.result(LIMIT_SECONDS) for future in futures]


def close_connections() -> None:
    for connection in connections.all(initialized_only=True):
        # SQLite's own `close` keeps a database in memory open.
        BaseDatabaseWrapper.close(connection)
