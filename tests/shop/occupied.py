"""Bodies that count themselves: a line when one begins, another when it ends, each with the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.shop import witness

BODY_SECONDS = 0.1


@contextmanager
def occupied(label: str) -> Iterator[None]:
    """Tell the witness that a body is between its beginning and its end. The clock is one for the whole machine."""
    witness.tell(f"{label} + {time.monotonic()}")
    try:
        yield
    finally:
        witness.tell(f"{label} - {time.monotonic()}")
