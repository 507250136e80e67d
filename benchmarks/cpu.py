"""How much CPU processes have used, from /proc (Linux only)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tests.proc import children_of

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def seconds(pid: int) -> float:
    """What a process and all that it brought up have used, in user and kernel, those that have ended among them."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(seconds, children_of(pid)))


def busy() -> float:
    """What all processes of the machine have used."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _wait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / _TICKS
