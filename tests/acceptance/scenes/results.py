"""Waiting for results."""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Any

from deferapp import await_result
from deferapp.clock import now
from deferapp.exceptions import DeferError, ExecutionFailed, ResultTimeout
from deferapp.models import Execution
from tests.acceptance.scenes.common import label, wait_for_end, wait_for_lines
from tests.shop import gates
from tests.shop.defer.add import add
from tests.shop.defer.fail import fail
from tests.shop.defer.large import large
from tests.shop.defer.note import note
from tests.shop.defer.stay import stay

TIMES = 9
ROUNDS = 3
MAX_RESULT = 1024 * 1024


def wakes() -> dict[str, Any]:
    """How long after the recorded end the one who waits goes on, in seconds: medians, of the best of some rounds.

    A machine that is busy with other tests spoils a round, and not the promise.
    """
    return {
        "sync": min(median(_wake(number) for number in range(TIMES)) for _ in range(ROUNDS)),
        "async": min(asyncio.run(_awakes()) for _ in range(ROUNDS)),
    }


def _wake(number: int) -> float:
    value, woken = add.result(number, 1), now()
    assert value == number + 1
    return (woken - _latest().get().ended_at).total_seconds()


async def _awakes() -> float:
    seconds = []
    for number in range(TIMES):
        value, woken = await add.result(number, 1), now()
        assert value == number + 1
        seconds.append((woken - (await _latest().aget()).ended_at).total_seconds())
    return median(seconds)


def _latest() -> Any:
    newest = Execution.objects.function(add).order_by("-created_at").values("id")[:1]
    return Execution.objects.filter(id__in=newest)


def failure() -> dict[str, Any]:
    try:
        fail.result("7")
    except ExecutionFailed as error:
        return {"message": str(error), "type": error.error_type, "stack": error.traceback}
    return {}


def timeout() -> dict[str, Any]:
    name, found = label(), {}
    try:
        await_result(stay, timeout=0.3)(name)
    except ResultTimeout as error:
        found["is_timeout"] = isinstance(error, TimeoutError)
    wait_for_lines(name, 1)
    execution = Execution.objects.function(stay).latest("created_at")
    found["early"] = _error(execution)
    gates.open_gate(name)
    (ended,) = wait_for_end([execution.id])
    cancelled = note.options(delay="1h")(name).cancel()
    return {**found, "later": ended.result == name, "cancelled": _error(cancelled)}


def _error(execution: Execution) -> str:
    try:
        return f"result {execution.result}"
    except DeferError as error:
        return type(error).__name__


def too_large() -> dict[str, Any]:
    """A result is a JSON string, so two bytes go for its quotes."""
    refused, fits = wait_for_end([large.enqueue(MAX_RESULT).id, large.enqueue(MAX_RESULT - 2).id])
    before = Execution.objects.function(note).count()
    try:
        note.enqueue("x" * MAX_RESULT)
        argument = ""
    except DeferError as error:
        argument = type(error).__name__
    attempts = [[each.error_type, each.error_message] for each in refused.attempts.all()]
    return {
        "refused": [refused.state, refused.error_code, refused.result_json],
        "attempts": attempts,
        "fits": [fits.state, len(fits.result)],
        "argument": argument,
        "written": Execution.objects.function(note).count() - before,
    }
