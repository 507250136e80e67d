"""Bodies that take too long, and other ways to fail."""

from __future__ import annotations

from typing import Any

from deferapp.models import Execution
from tests.acceptance.scenes.common import label, lines, rows, wait_for_end, wait_for_lines
from tests.shop import gates
from tests.shop.defer.add import add
from tests.shop.defer.fail import fail
from tests.shop.defer.out_of_memory import out_of_memory
from tests.shop.defer.overrun import overrun
from tests.shop.defer.overrun_async import overrun_async
from tests.shop.defer.stubborn import stubborn


def overruns() -> dict[str, Any]:
    """A sync and an async function stay for too long; their gates open only when the ledger has their ends."""
    return {"sync": _overrun(overrun), "async": _overrun(overrun_async)}


def _overrun(function: Any) -> dict[str, Any]:
    name = label()
    (row,) = wait_for_end([function.enqueue(name).id])
    left_before_the_end = lines(name)
    gates.open_gate(name)
    wait_for_lines(name, 1)
    return {**_end(row), "left": left_before_the_end, "afterwards": _end(rows([row.id])[0])}


def stubborn_one() -> dict[str, Any]:
    name = label()
    (row,) = wait_for_end([stubborn.enqueue(name).id])
    return {**_end(row), "next": add.result(1, 2)}


def errors() -> dict[str, Any]:
    memory, own = wait_for_end([out_of_memory.enqueue().id, fail.enqueue("7").id])
    return {"memory": _end(memory), "own": _end(own), "reason": own.reason}


def _end(row: Execution) -> dict[str, Any]:
    attempts = [[each.outcome, each.error_code] for each in row.attempts.order_by("number")]
    seconds = (row.ended_at - row.started_at).total_seconds()
    return {"state": row.state, "code": row.error_code, "attempts": attempts, "seconds": seconds}
