"""What each body tells the witness: `begin <execution> <attempt> <pid> <seconds since 1970>`, and `end …` likewise."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from deferapp import current_execution
from deferapp.executions.current import CurrentExecution
from tests.shop import witness

PATIENT: Final = {"max_attempts": 100, "initial_interval": 0.5, "multiplier": 1, "randomization_factor": 0}
"""A policy of retries that outlasts the faults."""


@contextmanager
def body() -> Iterator[CurrentExecution]:
    execution = current_execution()
    assert execution is not None
    words = f"{execution.id} {execution.attempt} {os.getpid()}"
    witness.tell(f"begin {words} {time.time():.6f}")
    try:
        yield execution
    finally:
        witness.tell(f"end {words} {time.time():.6f}")
