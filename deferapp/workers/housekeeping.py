"""What has to be done now and then, by the workers themselves: there is no process of ours to run.

Every worker has this thread; it beats, and recovers at once for the pool children that died. One of them, decided in
the database, keeps house for all: fires what is due, publishes what was not, recovers for dead workers. A chore that
fails is logged and does not keep the others from being done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from deferapp.dispatch import overdue
from deferapp.executions import life
from deferapp.executions.batches import hooks
from deferapp.schedules import sync, tick
from deferapp.workers import persist, presence
from deferapp.workers.recover import recover

logger = logging.getLogger("deferapp.housekeeping")

INTERVAL: Final = 1.0
"""Seconds between two rounds."""


class Housekeeper(threading.Thread):
    """The thread of one worker; `stop()` ends it after its round."""

    def __init__(self) -> None:
        super().__init__(name="deferapp-housekeeping", daemon=True)
        self._ended = threading.Event()
        self._contact = presence.Contact()
        self._synced = False

    def stop(self) -> None:
        """End when the round is over; the children of the pool have ended by now."""
        self._ended.set()
        if self.is_alive():
            self.join(timeout=5)

    def run(self) -> None:
        while not self._ended.is_set():
            self._attempt(self.round)
            self._ended.wait(INTERVAL)
        self._attempt(self._leave)
        persist.drop_connections()

    def round(self) -> None:
        """One round: beat, look after the own children, and keep house if it is this worker's turn."""
        self._beat()
        self._contact.made()
        if not self._synced:
            self._attempt(self._sync)
        if presence.keeps_house(presence.current()):
            for chore in (tick.tick, life.expire, overdue.publish, hooks.fire, self._recover_the_dead):
                self._attempt(chore)

    def _sync(self) -> None:
        sync.sync()
        self._synced = True

    def _beat(self) -> None:
        for child in presence.beat():
            self._attempt(partial(recover, child))

    def _recover_the_dead(self) -> None:
        for worker in [*presence.gone(), *presence.silent(self._contact)]:
            self._attempt(partial(recover, worker))

    def _leave(self) -> None:
        self._beat()
        presence.leave()

    def _attempt(self, chore: Callable[[], object]) -> None:
        try:
            chore()
        except persist.AWAY as error:
            logger.warning("Housekeeping waits for the database: %r", error)
            persist.drop_connections()
        except Exception:
            logger.exception("Housekeeping failed; it goes on")
