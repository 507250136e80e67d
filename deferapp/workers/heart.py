"""The heartbeat of a worker, in a thread that does nothing else: no chore, however long, may make the worker silent."""

from __future__ import annotations

import logging
import threading
from typing import Final

from deferapp.workers import persist, presence

logger = logging.getLogger("deferapp.housekeeping")

INTERVAL: Final = 1.0
"""Seconds between two beats."""


class Heart(threading.Thread):
    """Beats for this process and its pool's children until `stop()`."""

    def __init__(self) -> None:
        super().__init__(name="deferapp-heart", daemon=True)
        self.contact = presence.Contact()
        self._ended = threading.Event()

    def stop(self) -> None:
        self._ended.set()
        if self.is_alive():
            self.join(timeout=5)

    def run(self) -> None:
        while not self._ended.is_set():
            self._try_to_beat()
            self._ended.wait(INTERVAL)
        persist.drop_connections()

    def _try_to_beat(self) -> None:
        try:
            presence.beat()
        except Exception as error:
            logger.warning("The heartbeat could not be written: %r", error)
            persist.drop_connections()
        else:
            self.contact.made()
