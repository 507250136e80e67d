"""The four states that the health view tells: asked for at once, within a second, and at most once a second.

A process asks one question of each kind at a time: as long as a database or broker hangs, it costs one thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from deferapp import forks
from deferapp.dispatch.broker import celery_app
from deferapp.health import broker
from deferapp.health.bounded import begin
from deferapp.health.scene import Scene
from deferapp.schedules import silence

T = TypeVar("T")

KEPT_SECONDS: Final = 1.0
"""How long an answer is given again."""
DATABASE_SECONDS: Final = 1.0
BROKER_SECONDS: Final = 0.3


@dataclass(frozen=True, kw_only=True)
class States:
    """What works. Of what only the database knows, nothing does while that does not answer."""

    database: bool
    broker: bool
    worker: bool
    """At least one takes work."""
    beat: bool
    """It is not known to be silent."""


class Question(Generic[T]):
    """What is asked in a thread, for a limited time, and not again before the last time has been answered."""

    def __init__(self, seconds: float, otherwise: T) -> None:
        """`otherwise`: what counts if there is no answer in time, or an error."""
        self._seconds, self._otherwise = seconds, otherwise
        self._future: Future[T] | None = None

    def ask(self, call: Callable[[], T]) -> Callable[[], T]:
        """Begin to ask, and return what waits for the answer."""
        if self._future is None or self._future.done():
            self._future = begin(call)
        future, ends = self._future, time.monotonic() + self._seconds

        def answer() -> T:
            try:
                return future.result(max(0.0, ends - time.monotonic()))
            except Exception:
                return self._otherwise

        return answer


class Watch:
    """What one process knows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ledger = Question(DATABASE_SECONDS, (False, False, False))
        self._broker = Question(BROKER_SECONDS, False)
        self._latest: States | None = None
        self._asked_at = 0.0

    def states(self) -> States:
        """As they are, or were up to a second ago."""
        with self._lock:
            if self._latest is None or time.monotonic() - self._asked_at > KEPT_SECONDS:
                self._latest = self._ask()
                self._asked_at = time.monotonic()
            return self._latest

    def _ask(self) -> States:
        app = celery_app()  # Each thread has its own.
        ledger, reached = self._ledger.ask(_of_ledger), self._broker.ask(lambda: broker.ask(app))
        database, worker, beat = ledger()
        return States(database=database, broker=reached(), worker=worker, beat=beat)


def _of_ledger() -> tuple[bool, bool, bool]:
    return True, bool(Scene().readers), silence.silent_since() is None


_watch = Watch()


def _renew() -> None:
    global _watch
    _watch = Watch()


forks.in_child(_renew)


def current() -> States:
    """Never raises, and takes little more than a second at the most."""
    return _watch.states()
