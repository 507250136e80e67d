"""The processes of a worker's pool: which are stuck and have to be ended, and which have died, of what."""

from __future__ import annotations

import logging
import os
import signal
import time
from typing import Final

from deferapp.executions.endings import failure
from deferapp.executions.endings.failure import Failure
from deferapp.models import Worker
from deferapp.workers import presence, process

logger = logging.getLogger("deferapp.workers")

_END_SECONDS: Final = 2.0
"""That a process which is killed is waited for; on a busy machine it is there for a moment yet."""


class Children:
    """The children of this worker, looked at round by round by one thread of it."""

    def __init__(self) -> None:
        self._killed: set[int] = set()
        self._oom_kills = process.oom_kills()

    def kill_the_stuck(self) -> None:
        """End those that are in a body that cannot be stopped from inside its process."""
        for child in presence.household():
            if child.pid != os.getpid() and presence.node().deadlines.have_passed(child.pid):
                logger.error("Process %d does not end what it is in; it is killed", child.pid)
                self._killed.add(child.pk)
                os.kill(child.pid, signal.SIGKILL)
                _wait_for_end(child)

    def dead(self) -> list[tuple[Worker, Failure]]:
        """Those that have died, and why the attempts that they were in have failed."""
        dead = [child for child in presence.household() if not process.is_alive(child.process)]
        if not dead:
            return []
        before, self._oom_kills = self._oom_kills, process.oom_kills()
        of_itself = failure.OUT_OF_MEMORY if self._oom_kills > before else failure.LOST
        return [(child, failure.STUCK if child.pk in self._killed else of_itself) for child in dead]


def _wait_for_end(child: Worker) -> None:
    """So that `dead` sees it next, which knows why it died: whoever recovers for it later takes it for lost."""
    ends = time.monotonic() + _END_SECONDS
    while process.is_alive(child.process) and time.monotonic() < ends:
        time.sleep(0.01)
