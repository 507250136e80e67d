"""Bodies that count themselves: a line when one begins, another when it ends, each with the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.shop import witness

BODY_SECONDS = 0.1
PATIENCE_SECONDS = 1.0


@contextmanager
def occupied(label: str) -> Iterator[None]:
    """Tell the witness that a body is between its beginning and its end. The clock is one for the whole machine."""
    witness.tell(f"{label} + {time.monotonic()}")
    try:
        yield
    finally:
        witness.tell(f"{label} - {time.monotonic()}")


def stay(label: str, company: int) -> None:
    """Return when as many bodies are occupied at once, or after a second."""
    time.sleep(BODY_SECONDS)
    ends = time.monotonic() + PATIENCE_SECONDS
    while _together(label) < company and time.monotonic() < ends:
        time.sleep(0.02)


def _together(label: str) -> int:
    signs = [line.split()[1] for line in witness.told(f"{label} ")]
    return signs.count("+") - signs.count("-")
