"""Rows of the ledger, made as a test needs them."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from deferapp.clock import now, ordered_now
from deferapp.executions import life
from deferapp.functions.config import Config
from deferapp.functions.function import BackgroundFunction
from deferapp.models import Execution, Worker

_numbers = itertools.count(1)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def _plain(*args: Any) -> None: ...


async def _plain_async(*args: Any) -> None: ...


def make_worker(**fields: Any) -> Worker:
    """A worker that has just been heard; of another machine if nothing else is said."""
    number = next(_numbers)
    values = {
        "node": f"worker{number}@elsewhere",
        "host": "elsewhere/of-the-tests",
        "process": f"{number}:1",
        "supervisor": f"{number}:1",
        "started_at": now(),
        "heartbeat_at": now(),
    }
    return Worker.objects.create(**{**values, **fields})


def make_execution(function: str = "shop.defer.mail", **fields: Any) -> Execution:
    """An execution that was enqueued now, is due, and has been published."""
    moment = ordered_now()
    values = {"due_at": moment, "dispatch_at": moment + 10 * SECOND}
    return Execution.objects.create(**{"function": function, **values, **fields})


def make_executions(count: int, function: str = "shop.defer.mail") -> list[Execution]:
    return [make_execution(function) for _ in range(count)]


def function_named(name: str, *, is_async: bool = False, **config: Any) -> BackgroundFunction[..., Any]:
    """A function of this name that the registry does not know."""
    return BackgroundFunction(_plain_async if is_async else _plain, name, Config(**config))


def claim(executions: list[Execution], *, worker: Worker | None = None, token: UUID | None = None) -> list[Execution]:
    """Claim executions of one function as a worker does."""
    return life.claim(
        function_named(executions[0].function),
        [execution.pk for execution in executions],
        claim=token or uuid4(),
        worker_id=worker.pk if worker else 1,
        most=100,
    )


def values_of(execution: Execution) -> dict[str, Any]:
    """All that the ledger says about an execution, by column."""
    return Execution.objects.filter(pk=execution.pk).values().get()
