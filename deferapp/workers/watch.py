"""Looking after the worklists of this process while they run, from a thread of its own.

Executions that wait behind a slow one, or behind the end of the worker, are given back for others to run; enqueues
that a body has made and not followed by others are written. The thread is started by the first worklist of a process
and has its own database connection, opened only when needed.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from deferapp.executions import collect, life
from deferapp.workers import persist, presence
from deferapp.workers.worklist import Worklist

logger = logging.getLogger("deferapp.workers")

INTERVAL: Final = 0.1
"""Seconds between two looks."""
PATIENCE: Final = 1.0
"""Seconds that an execution may hold up those behind it."""

_lock = threading.Lock()
_worklists: set[Worklist] = set()
_pid: int | None = None
_work = threading.Event()


@contextmanager
def watching(worklist: Worklist) -> Iterator[Worklist]:
    """Look after a worklist while it runs; what is left when its run breaks off is given back."""
    with _lock:
        _start_in_this_process()
        _worklists.add(worklist)
        _work.set()
    try:
        yield worklist
    finally:
        with _lock:
            _worklists.discard(worklist)
            if not _worklists:
                _work.clear()
        _give_back(worklist)


def _start_in_this_process() -> None:
    global _pid
    if _pid != os.getpid():
        _pid = os.getpid()
        _worklists.clear()
        threading.Thread(target=_watch, name="deferapp-watch", daemon=True).start()


def _watch() -> None:
    pause = threading.Event()
    while True:
        _work.wait()
        pause.wait(INTERVAL)
        try:
            _look()
        except persist.AWAY:
            persist.drop_connections()
        except Exception:
            logger.exception("Watching failed; it goes on")


def _look() -> None:
    for collector in collect.stale():
        collector.flush()
    with _lock:
        stalled = [each for each in _worklists if presence.node().is_draining or each.stalled_for() > PATIENCE]
    for worklist in stalled:
        _give_back(worklist)


def _give_back(worklist: Worklist) -> None:
    waiting = worklist.surrender()
    if waiting:
        persist.persist(partial(life.give_back, worklist.claim, waiting))
