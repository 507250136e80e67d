"""Embedded mode: a Celery worker with its housekeeping inside this process, on a broker in memory.

Nothing to install and nothing else to start; every semantic is the same as with processes and a real broker, because
all of it is in the ledger. Threads of one process run the functions, so it is for development and small sites, and a
function that does not return holds up the end of the process for `STOP_LIMIT` seconds.
"""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Any, Final, Self

from celery import Celery
from celery.worker import state

from deferapp.dispatch.broker import celery_app, local_worker
from deferapp.workers import presence
from deferapp.workers.hooks import HousekeepingStep

logger = logging.getLogger("deferapp.embedded")

STOP_LIMIT: Final = 10.0
"""Seconds that the end waits for functions that are running."""
POLLING_INTERVAL: Final = 0.01
"""Seconds between two looks into the queue; kombu's own second makes 35 messages a second of 800."""


class EmbeddedWorker:
    """`with EmbeddedWorker():` runs what is enqueued, and schedules, until the block ends."""

    def __init__(self, concurrency: int = 4) -> None:
        """`concurrency`: how many threads run functions."""
        self._concurrency = concurrency
        self._thread: threading.Thread | None = None
        self._controller: Any = None
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when messages are being received. Raises what kept the worker from starting."""
        app = celery_app()
        _use_memory(app)
        state.should_stop = state.should_terminate = None
        self._controller = app.WorkController(
            pool="threads",
            concurrency=self._concurrency,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            ready_callback=lambda _consumer: self._ready.set(),
        )
        self._thread = threading.Thread(target=self._run, name="deferapp-worker", daemon=True)
        self._thread.start()
        self._ready.wait()
        local_worker.set()

    def stop(self) -> None:
        """Let running functions end, give back what has not begun, and stop."""
        local_worker.clear()
        presence.node().drain()
        state.should_stop = 0
        if self._thread is not None:
            self._thread.join(STOP_LIMIT)
            if self._thread.is_alive():
                logger.warning("A function is still running; its execution is recovered at the next start")
        HousekeepingStep.end()
        state.should_stop = None

    def _run(self) -> None:
        try:
            self._controller.start()
        finally:
            self._ready.set()


def _use_memory(app: Celery) -> None:
    app.conf.broker_url = app.conf.broker_read_url = app.conf.broker_write_url = "memory://"
    app.conf.broker_transport_options = {"polling_interval": POLLING_INTERVAL}
