"""A signal to end that a pool child gets besides its worker, as systemd sends it to every process of a service.

Celery's children end at once by it, in the middle of a body. Here the worker decides: if it shuts down warmly, its
children finish what they are in. If it does not, or the child alone was meant, the child stops what it is in, which is
lost and made again elsewhere, begins nothing more, and ends.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from kombu.utils.imports import symbol_by_name

from deferapp.executions.endings import failure
from deferapp.workers import bodies, presence

PATIENCE: Final = 1.0
"""Seconds that a child waits for its worker to say how it ends: signals to a group do not arrive in one moment."""

_told = False


def is_told() -> bool:
    """Whether this process is to end, and so to begin nothing more."""
    return _told


def at_once(consumer_cls: Any) -> type:
    """The consumer class of a worker, made to tell its pool that it shuts down cold before it ends what that runs."""
    base: Any = symbol_by_name(consumer_cls)
    if getattr(base, "tells_its_pool", False):
        return base  # type: ignore[no-any-return]

    class Consumer(base):  # type: ignore[misc]
        tells_its_pool = True

        def cancel_active_requests(self) -> None:
            """Celery's signal that it is shutting down comes when this is over: a shutdown may have begun warmly."""
            presence.node().drain(finish=False)
            super().cancel_active_requests()

    return Consumer


@contextmanager
def left_to_the_worker() -> Iterator[None]:
    """While a message is worked on: end by SIGTERM only if the worker does not end warmly, and then in order."""
    before = signal.getsignal(signal.SIGTERM)
    is_main_thread = threading.current_thread() is threading.main_thread()
    if not is_main_thread or os.getpid() == presence.node().pid or not callable(before):
        yield
        return

    def end_unless_warmly(_number: int, _frame: FrameType | None) -> None:
        global _told
        if not _worker_ends_warmly():
            _told = True
            bodies.stop_all(failure.LOST)

    signal.signal(signal.SIGTERM, end_unless_warmly)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if is_told():
            before(signal.SIGTERM, None)


def _worker_ends_warmly() -> bool:
    ends = time.monotonic() + PATIENCE
    while not presence.node().is_draining and time.monotonic() < ends:
        time.sleep(0.01)
    return presence.node().is_finishing
