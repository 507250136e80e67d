"""Which process this is, and whether another one still lives.

A process is told by host, pid and start time: a pid alone is given to another process one day. Where there is no
`/proc`, a process of this host counts as alive as long as its pid exists.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
_ZOMBIE_STATES = frozenset("ZXx")


@cache
def host() -> str:
    """The machine, or rather its list of processes: the hostname, and what tells containers and boots apart."""
    marks = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            marks.append(os.readlink(path) if "ns" in path else Path(path).read_text().strip())
        except OSError:
            continue
    return "/".join(marks)[:200]


def this() -> str:
    return key(os.getpid())


def key(pid: int) -> str:
    """`<pid>:<start time>` of a running process of this host."""
    return f"{pid}:{_started(pid) or 0}"


def is_alive(process: str) -> bool:
    """Whether this process of this host still runs."""
    pid, _, started = process.partition(":")
    if not Path("/proc/self/stat").exists():
        return _pid_exists(int(pid))
    return _started(int(pid)) == started


def has_ended(on_host: str, process: str) -> bool:
    """Whether it is certain that a process has ended: only of this host's can it be."""
    return on_host == host() and not is_alive(process)


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory: in this control group, or else on this machine.

    See Linux's cgroup-v2.rst (memory.events.local), cgroup-v1/memory.rst (memory.oom_control) and proc(5) (vmstat).
    """
    counters = (_counter(path) for path in (*_own_counters(), PROC / "vmstat"))
    return next((count for count in counters if count is not None), 0)


def _own_counters() -> Iterator[Path]:
    """Where the counter of this process's group may be; a container may see its own group as the root."""
    for line in _lines(PROC / "self/cgroup"):
        _, controllers, group = line.split(":", 2)
        for path in (group.lstrip("/"), ""):
            if not controllers:
                yield CGROUPS / path / "memory.events.local"
            elif "memory" in controllers.split(","):
                yield CGROUPS / "memory" / path / "memory.oom_control"


def _counter(path: Path) -> int | None:
    return next((int(line.split()[1]) for line in _lines(path) if line.startswith("oom_kill ")), None)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _started(pid: int) -> str | None:
    """The start time in clock ticks since boot, field 22 of proc(5)'s stat; None for a process that has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in _ZOMBIE_STATES else fields[19]


def _pid_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
