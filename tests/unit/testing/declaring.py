"""Declaring the functions of `functions.py` for a test, and forgetting them afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from deferapp import defer
from deferapp.functions import registry
from deferapp.schedules import edits
from tests.unit.testing import functions

FREQUENCIES = {"on_monday": "0 8 * * 1", "each_hour": "0 * * * *"}
CONFIGS: dict[str, dict[str, Any]] = {"add": {"concurrency": 2, "concurrency_key": "second"}}
NAMES = (
    "add",
    "greet",
    "greet_all",
    "greet_all_sync",
    "breaks",
    "told_of",
    "violates",
    "violates_together",
    "violates_raw",
    "survives",
    "hooks_a_commit",
    "leaves_a_transaction_open",
    "leaves_a_transaction_open_together",
    "is_interrupted",
    "for_ever",
    *FREQUENCIES,
)


@contextmanager
def declared() -> Iterator[None]:
    """Let the module's names be those of declared functions, and the registry know no others."""
    functions.did.clear()
    with ExitStack() as stack:
        for name in ("_functions", "_problems"):
            stack.enter_context(mock.patch.object(registry, name, {}))
        stack.enter_context(mock.patch.object(edits, "_seen", None))
        for name in NAMES:
            stack.enter_context(mock.patch.object(functions, name, _declare(name)))
        yield


def _declare(name: str) -> Any:
    plain = getattr(functions, name)
    return defer.cron(plain, FREQUENCIES[name]) if name in FREQUENCIES else defer(plain, **CONFIGS.get(name, {}))
