"""What has to be done now and then, by the workers themselves: there is no process of ours to run.

Every worker has this thread; it recovers at once for the pool children that died, and fires what is due: a schedule
must not be late because the one worker that keeps house has just died. One of them, decided in the database, keeps
house for all: publishes what was not, recovers for dead workers, looks after alerts. A chore that fails is logged and
does not keep the others from being done.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from deferapp.alerts import plan, send
from deferapp.alerts import prune as alerts_prune
from deferapp.clock import now
from deferapp.dispatch import overdue
from deferapp.dispatch.broker import is_in_memory
from deferapp.executions import bulk, life, prune
from deferapp.executions.batches import hooks
from deferapp.executions.logs.orphans import Orphans
from deferapp.observe import prune as observed_prune
from deferapp.schedules import prune as schedules_prune
from deferapp.schedules import silence, sync, tick
from deferapp.tallies import fold
from deferapp.workers import connections, persist, presence
from deferapp.workers.alarms import absence, beat
from deferapp.workers.alarms.queues import Queues
from deferapp.workers.children import Children
from deferapp.workers.heart import Heart
from deferapp.workers.messenger import Messenger
from deferapp.workers.recover import recover, recover_orphans

logger = logging.getLogger("deferapp.housekeeping")

INTERVAL: Final = 1.0
"""Seconds between two rounds at the most; less when a schedule is due before."""
PRUNE_INTERVAL: Final = 60.0
"""Seconds between two looks for what ended long ago."""
LOCK_SECONDS: Final = 3
"""How long a chore waits behind somebody's lock: one who is frozen in a transaction must not hold up all the others."""


class Housekeeper(threading.Thread):
    """The thread of one worker; `stop()` ends it after its round."""

    def __init__(self) -> None:
        super().__init__(name="deferapp-housekeeping", daemon=True)
        self._ended = threading.Event()
        self._heart = Heart()
        self._synced = False
        self._next_due: datetime | None = None
        self._prune_at = time.monotonic()
        self._children = Children()
        self._messenger = Messenger()
        self._queues = Queues()
        self._orphans = Orphans()
        self._has_looked = False

    def stop(self) -> None:
        """End when the round is over; the children of the pool have ended by now."""
        self._ended.set()
        if self.is_alive():
            self.join(timeout=5)

    def run(self) -> None:
        connections.wait_for_locks(LOCK_SECONDS)
        self._heart.start()
        while not self._ended.is_set():
            self._attempt(self.round)
            self._ended.wait(self._pause())
        self._heart.stop()
        self._attempt(self._leave)
        persist.drop_connections()

    def round(self) -> None:
        """One round: look after the own children, fire what is due, and keep house if it is this worker's turn."""
        self._recover_children()
        if not self._synced:
            self._attempt(self._sync)
        self._attempt(silence.write_received)
        self._attempt(self._tick)
        if self._keeps_house():
            # What is recovered is published in the same round.
            for chore in (self._recover_the_dead, life.expire, overdue.publish, hooks.fire):
                self._attempt(chore)
            for chore in (bulk.work, fold.fold, self._alert, self._prune):
                self._attempt(chore)

    def _keeps_house(self) -> bool:
        """In its first round a worker sees since when there was none."""
        absent_since = None if self._has_looked else absence.since()
        keeps_house = presence.keeps_house(presence.current())
        if keeps_house and not self._has_looked:
            self._attempt(partial(absence.tell_afterwards, absent_since))
        self._has_looked = True
        return keeps_house

    def _sync(self) -> None:
        """In embedded mode there is no other worker, whose code might be newer."""
        self._synced = sync.sync(is_meant=is_in_memory())

    def _tick(self) -> None:
        self._next_due = None
        tick.tick()
        self._next_due = tick.next_due()

    def _pause(self) -> float:
        """Seconds until the next round: until a schedule is due, if that is before `INTERVAL` is over."""
        if self._next_due is None:
            return INTERVAL
        return min(INTERVAL, max((self._next_due - now()).total_seconds(), 0))

    def _recover_children(self) -> None:
        self._attempt(self._children.kill_the_stuck)
        for child, why in self._children.dead():
            self._attempt(partial(recover, child, why))

    def _recover_the_dead(self) -> None:
        for worker in [*presence.gone(), *presence.silent(self._heart.contact)]:
            self._attempt(partial(recover, worker))
        recover_orphans()

    def _alert(self) -> None:
        beat.watch(may_open=self._heart.contact.allows_judgement())
        absence.is_over()
        self._queues.watch()
        plan.look()
        if send.is_due():
            self._messenger.go()

    def _prune(self) -> None:
        """Once a minute, and in each round as long as there is much."""
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + (0 if prune.prune() >= prune.MOST_AT_ONCE else PRUNE_INTERVAL)
            old = (alerts_prune.prune, fold.prune, observed_prune.prune, bulk.prune, schedules_prune.prune)
            for chore in (*old, self._orphans.prune):
                self._attempt(chore)

    def _leave(self) -> None:
        self._recover_children()
        presence.leave()
        self._messenger.stop()

    def _attempt(self, chore: Callable[[], object]) -> None:
        try:
            chore()
        except persist.AWAY as error:
            logger.warning("Housekeeping waits for the database: %r", error)
            persist.drop_connections()
        except Exception:
            logger.exception("Housekeeping failed; it goes on")
