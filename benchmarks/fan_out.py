"""One parent that enqueues very many children in a loop: how much memory does its worker take for it?"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.compare import client, workers
from benchmarks.memory import mebibytes
from benchmarks.systems import OURS, place
from tests.proc import session_members

ALLOWED: Final = 50.0
"""MiB that it may grow by."""
INTERVAL: Final = 0.5
"""Seconds between two looks."""


def run(count: int) -> bool:
    """Print what the worker holds before, at the most, and after. True if it grew by no more than `ALLOWED`."""
    with place(Path(sys.executable)) as here, workers(here, OURS, "loop") as (worker,):
        client(here, OURS, "loop", "touch", 1_000)
        before = _memory(worker.pid)
        with _watched(worker.pid) as seen:
            done = client(here, OURS, "loop", "touch", count)
        most, after = max(seen), _memory(worker.pid)
    print(f"{count:,} children in {done['seconds']:,.0f} s, {count / done['seconds']:,.0f} a second")
    print(f"memory of the worker: {before:.1f} MiB, {most - before:+.1f} at the most, {after - before:+.1f} at the end")
    return most - before <= ALLOWED


def _memory(worker: int) -> float:
    return sum(mebibytes(pid) for pid in session_members(worker))


@contextmanager
def _watched(worker: int) -> Iterator[list[float]]:
    """Look again and again, at least once, until the block ends."""
    seen = [_memory(worker)]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(INTERVAL):
            seen.append(_memory(worker))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
