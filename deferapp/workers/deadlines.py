"""Until when each process of a pool must have ended the bodies it is in, told to the worker that forked it.

What `watch` does from inside a process needs Python's lock; a body that never gives it up (a regular expression
without end), or a process that is frozen, can be ended from outside only. So the moments lie in memory that a worker
shares with its children, one for each process id there can be; pages that nobody writes cost nothing.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path
from typing import Final

MARGIN: Final = 15.0
"""Seconds beyond `max_duration` that a body is left to `watch`, which needs some 6."""

_MOMENT: Final = struct.Struct("d")


class Deadlines:
    """Moments of the monotonic clock, which is the same in all processes of a machine; 0 for none."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, (_highest_pid() + 1) * _MOMENT.size)

    def write(self, moment: float) -> None:
        """Say until when this process must have ended what it is in."""
        _MOMENT.pack_into(self._memory, os.getpid() * _MOMENT.size, moment)

    def have_passed(self, pid: int) -> bool:
        moment: float = _MOMENT.unpack_from(self._memory, pid * _MOMENT.size)[0]
        return 0 < moment < time.monotonic()


def _highest_pid() -> int:
    try:
        return int(Path("/proc/sys/kernel/pid_max").read_text())
    except OSError:
        return 4_194_304  # the most that Linux allows
