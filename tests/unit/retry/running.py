"""Attempts, made at once in the process of the test as a worker makes them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from asgiref.sync import async_to_sync

from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.current import CurrentExecution
from deferapp.functions.function import BackgroundFunction
from deferapp.models import Execution
from deferapp.workers import attempt
from deferapp.workers.record import record


def run_attempt(function: BackgroundFunction[..., Any], execution: Execution) -> Execution:
    """Make the next attempt of an execution, whenever it is due, and return the execution as it is then."""
    Execution.objects.filter(pk=execution.pk).update(due_at=now())
    (held,) = life.claim(function, [execution.pk], claim=uuid4(), worker_id=1, most=1)
    current = CurrentExecution(
        id=held.id,
        function=held.function,
        attempt=held.attempt,
        parent_id=held.parent_id,
        created_at=held.created_at,
    )
    make = async_to_sync(attempt.amake) if function.is_async else attempt.make
    record(function, held, make(function, held, current))
    return Execution.objects.get(pk=execution.pk)
