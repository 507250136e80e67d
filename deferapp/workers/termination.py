"""A signal to end that a pool child gets besides its worker, as systemd sends it to every process of a service.

Celery's children end at once by it, in the middle of a body. Here the worker decides: if it shuts down warmly, its
children finish what they are in. If it does not, or the child alone was meant, the attempt is lost, and made again.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from deferapp.executions.endings import failure
from deferapp.workers import bodies, presence

PATIENCE: Final = 1.0
"""Seconds that a child waits for its worker to say how it ends: signals to a group do not arrive in one moment."""


@contextmanager
def left_to_the_worker() -> Iterator[None]:
    """While a message is worked on: end by SIGTERM only if the worker does not end warmly."""
    before = signal.getsignal(signal.SIGTERM)
    is_main_thread = threading.current_thread() is threading.main_thread()
    if not is_main_thread or os.getpid() == presence.node().pid or not callable(before):
        yield
        return

    def end_unless_warmly(number: int, frame: FrameType | None) -> None:
        if not _worker_ends_warmly():
            for body in bodies.running():
                body.stopped_for = body.stopped_for or failure.LOST
            before(number, frame)

    signal.signal(signal.SIGTERM, end_unless_warmly)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _worker_ends_warmly() -> bool:
    ends = time.monotonic() + PATIENCE
    while not presence.node().is_draining and time.monotonic() < ends:
        time.sleep(0.01)
    return presence.node().is_finishing
