"""The bodies that are running in this process, and how each can be stopped.

A coroutine is cancelled at its next `await`. A sync body in a process's main thread (pools prefork and solo) gets an
exception by a signal. One in another thread cannot be stopped: its attempt ends in the ledger without it, and what it
does afterwards settles nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from deferapp.executions.endings.failure import Failure
from deferapp.workers import presence
from deferapp.workers.deadlines import MARGIN

if TYPE_CHECKING:
    from deferapp.executions.logs.log import Log
    from deferapp.functions.registry import AnyFunction
    from deferapp.models import Execution

SIGNAL: Final = getattr(signal, "SIGURG", None)
"""Ignored where it is not expected, and used by hardly anybody."""


class Interrupted(BaseException):
    """Raised in a body that has to stop. No `except Exception` of a function stands in its way."""


class Body:
    """One body from its beginning to its end."""

    def __init__(
        self, function: AnyFunction, execution: Execution, started_at: datetime, log: Log | None = None
    ) -> None:
        self.function = function
        self.execution = execution
        self.log = log
        self.started_at = started_at
        self.limit: timedelta = function.config.longest
        self.begun = time.monotonic()
        self.stopped_for: Failure | None = None
        self.stopped_at = float("inf")
        self.is_given_up = False
        self.is_over = False
        self._stop: Callable[[], object] | None = None

    @property
    def is_overdue(self) -> bool:
        return time.monotonic() - self.begun > self.limit.total_seconds()

    def stop(self, why: Failure) -> bool:
        """Stop it, for this reason; False if it cannot be stopped from outside. Only the first call does anything."""
        if self.stopped_for is None:
            self.stopped_for, self.stopped_at = why, time.monotonic()
            if self._stop is not None:
                self._stop()
        return self._stop is not None

    def stoppable_by(self, stop: Callable[[], object] | None) -> None:
        self._stop = stop


_running: set[Body] = set()
_lock = threading.Lock()
_in_main_thread: Body | None = None


def running() -> list[Body]:
    with _lock:
        return list(_running)


def log_of_the_only_one() -> Log | None:
    """The log of the body that runs, if all that this process does is for it."""
    found = tuple(_running)
    return found[0].log if len(found) == 1 and os.getpid() != presence.node().pid else None


def stop_all(why: Failure) -> None:
    """From a handler of a signal, which may have interrupted whoever has the lock."""
    for body in tuple(_running):
        body.stop(why)


def forget_all() -> None:
    """In a child that has just been forked: what runs in its parent does not run here."""
    _running.clear()


@contextmanager
def entered(body: Body) -> Iterator[Body]:
    """For a coroutine's body, from inside its task."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def cancel() -> None:
        # The body may have ended meanwhile: the task is then recording how.
        if task is not None and not body.is_over:
            task.cancel()

    body.stoppable_by(lambda: loop.call_soon_threadsafe(cancel))
    with _listed(body):
        yield body


@contextmanager
def interruptible() -> Iterator[None]:
    """While sync bodies run one after the other: in the main thread, each can be stopped."""
    if SIGNAL is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(SIGNAL, _interrupt)
    try:
        yield
    finally:
        signal.signal(SIGNAL, before)


@contextmanager
def entered_in_thread(body: Body) -> Iterator[Body]:
    """For a sync body; within `interruptible`."""
    global _in_main_thread
    if SIGNAL is None or threading.get_ident() != threading.main_thread().ident:
        with _listed(body):
            yield body
        return
    before, _in_main_thread = _in_main_thread, body
    body.stoppable_by(lambda: signal.pthread_kill(threading.main_thread().ident or 0, SIGNAL))
    try:
        with _listed(body):
            yield body
    finally:
        _in_main_thread = before


@contextmanager
def _listed(body: Body) -> Iterator[None]:
    with _lock:
        _running.add(body)
        _write_deadline()
    try:
        yield
    finally:
        # First of all, and in one step: from here on no signal raises anything.
        body.is_over = True
        with _lock:
            _running.discard(body)
            _write_deadline()


def _write_deadline() -> None:
    """Until when the first of the running bodies must have ended; else the worker kills this process."""
    ends = (each.begun + each.limit.total_seconds() + MARGIN for each in _running)
    presence.node().deadlines.write(min(ends, default=0.0))


def _interrupt(_signal: int, _frame: Any) -> None:
    body = _in_main_thread
    if body is not None and body.stopped_for is not None and not body.is_over:
        raise Interrupted(body.stopped_for.message)
