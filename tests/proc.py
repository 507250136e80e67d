"""What the kernel knows about processes, read from /proc, and the tie that ends a child with its parent.

Linux only, as is everything that starts real servers and workers here.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class ProcessEntry:
    pid: int
    parent: int
    session: int
    state: str  # one letter, "Z" for a zombie


def _entry(pid: str) -> ProcessEntry | None:
    try:
        stat = Path("/proc", pid, "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the name in brackets, which may hold blanks and brackets itself.
    state, parent, _, session = stat.rpartition(")")[2].split()[:4]
    return ProcessEntry(pid=int(pid), parent=int(parent), session=int(session), state=state)


def _living() -> Iterator[ProcessEntry]:
    for name in os.listdir("/proc"):
        entry = _entry(name) if name.isdigit() else None
        if entry is not None and entry.state not in "ZX":
            yield entry


def children_of(pid: int) -> list[int]:
    return [entry.pid for entry in _living() if entry.parent == pid]


def session_members(session: int) -> list[int]:
    """Return the living processes of a session: its leader and all that this one brought up."""
    return [entry.pid for entry in _living() if entry.session == session]


def kill_all(pids: list[int], signal_number: int = signal.SIGKILL) -> None:
    """Send the signal to each process that is still there."""
    for pid in pids:
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            continue


def die_with_parent(signal_number: int) -> Callable[[], None]:
    """Return a `preexec_fn` that has the kernel send the signal when the thread that started it ends.

    It holds when the parent is killed with SIGKILL and can clean up nothing. A change of user clears it, so
    let `subprocess` change the user (it does so before it calls this), and not a program such as runuser.
    """

    def tie() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal_number)

    return tie
