"""Bringing what was seen to the ledger, in a thread of its own, once a second, so that no task waits for it.

Honest limit: while the ledger cannot be reached, up to `MOST` ends of a process are kept, the latest; what is left out
is said in the log.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from django.db import connections, transaction

from deferapp import forks
from deferapp.models import ObservedFailure, TallyEntry, ledger
from deferapp.tallies.ends import End

logger = logging.getLogger("deferapp.workers")

INTERVAL: Final = 1.0
"""Seconds for which ends are collected."""
PATIENCE: Final = 5.0
"""Seconds after which the thread of a process that runs no such tasks ends, and those until it tries again."""
MOST: Final = 10_000
AT_ONCE: Final = 1_000
"""Ends of one transaction."""
FAILURES_AT_ONCE: Final = 20
"""Failures of a task that one transaction keeps; all are counted."""
LAST_SECONDS: Final = 2.0
"""How long a process that ends waits for its last ends to be written."""


class Seen(NamedTuple):
    """The end of a run, and what it failed with."""

    end: End
    failure: ObservedFailure | None


class Writer:
    """Of one process. Its thread is there while there is something to write, and some seconds longer."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """As new: a child that is forked has no thread of its parent's, and does not tell what that one has seen."""
        self._waiting: deque[Seen] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._came, self._hurry = threading.Event(), threading.Event()
        self._left_out = 0

    def add(self, seen: Seen) -> None:
        with self._lock:
            self._waiting.append(seen)
            self._leave_out()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deferapp-observe", daemon=True)
                self._thread.start()
        self._came.set()

    def finish(self) -> None:
        """Write what there is, at once, for `LAST_SECONDS` at the most."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            self._hurry.set()
            self._came.set()
            thread.join(LAST_SECONDS)
            self._hurry.clear()

    def _run(self) -> None:
        try:
            while self._has_something():
                is_last = len(self._waiting) < AT_ONCE and self._hurry.wait(INTERVAL)
                if not self._write() and (is_last or self._hurry.wait(PATIENCE)):
                    return
        finally:
            connections.close_all()

    def _has_something(self) -> bool:
        """Wait for something to write. If nothing comes, the thread ends, and the next that comes begins another."""
        if not self._waiting:
            self._came.wait(PATIENCE)
        with self._lock:
            self._came.clear()
            if not self._waiting:
                self._thread = None
            return self._thread is not None

    def _write(self) -> bool:
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        try:
            write(taken)
        except Exception as error:
            logger.warning("Ends of observed tasks are kept in memory, since they cannot be written: %r", error)
            connections.close_all()
            with self._lock:
                self._waiting.extendleft(reversed(taken))
                self._leave_out()
            return False
        left_out, self._left_out = self._left_out, 0
        if left_out:
            logger.warning("%d ends of observed tasks are not counted", left_out)
        return True

    def _leave_out(self) -> None:
        while len(self._waiting) > MOST:
            self._waiting.popleft()
            self._left_out += 1


def write(seen: Sequence[Seen]) -> None:
    """Note the ends for the tallies, and keep the failures."""
    kept: list[ObservedFailure] = []
    counts: Counter[str] = Counter()
    for each in seen:
        counts[each.end.function] += each.failure is not None
        if each.failure is not None and counts[each.end.function] <= FAILURES_AT_ONCE:
            kept.append(each.failure)
    with transaction.atomic(using=ledger()):
        ObservedFailure.objects.using(ledger()).bulk_create(kept)
        TallyEntry.objects.using(ledger()).bulk_create([TallyEntry(**each.end._asdict()) for each in seen])


writer = Writer()
forks.in_child(writer.renew)
