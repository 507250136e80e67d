"""How much memory processes hold, from /proc (Linux only)."""

from __future__ import annotations

from pathlib import Path


def mebibytes(pid: int) -> float:
    """What a process holds for itself, in MiB: pages that it shares with others are divided by their number.

    0 for a process that has ended.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
