"""Incidents, as the tests of their messages need them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from deferapp.alerts import failures
from deferapp.alerts.channels import Channel
from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Alert, Attempt, Delivery, ErrorGroup, Execution
from deferapp.tallies.ends import End
from tests.unit.rows import SECOND, make_execution

FUNCTION = "shop.defer.mail"
KEY = "0123456789abcdef"


def fail(count: int = 1, function: str = FUNCTION, key: str = KEY, **fields: Any) -> list[Execution]:
    """That many executions fail for good, and are counted, as housekeeping counts them."""
    executions = [make_failed(function, key, **fields) for _ in range(count)]
    failures.record(entries(executions, key))
    return executions


def entries(executions: Sequence[Execution], key: str = KEY, outcome: str = "failed") -> list[End]:
    return [
        End(
            function=execution.function,
            outcome=outcome,
            ended_at=now(),
            error_key=key,
            execution_id=execution.pk,
            number=execution.attempt,
        )
        for execution in executions
    ]


def make_failed(
    function: str = FUNCTION,
    key: str = KEY,
    *,
    error_type: str = "ValueError",
    message: str = "no such address",
    traceback: str = 'Traceback (most recent call last):\n  File "shop/defer/mail.py", line 3, in mail\nValueError: no',
    **fields: Any,
) -> Execution:
    """An execution whose third attempt has failed for good, with the group of its error."""
    execution = make_execution(function, state=State.FAILED, attempt=3, ended_at=now(), **fields)
    Attempt.objects.create(
        execution=execution,
        number=3,
        outcome=Attempt.Outcome.FAILED,
        started_at=now() - 2 * SECOND,
        ended_at=now(),
        error_type=error_type,
        error_message=message,
        traceback=traceback,
        error_code="ER0003",
        error_key=key,
    )
    group = {"function": function, "error_type": error_type, "message": message[:500]}
    ErrorGroup.objects.get_or_create(key=key, defaults={**group, "first_at": now(), "last_at": now()})
    return execution


def later(by: timedelta) -> None:
    """So much time has passed for all that is in the ledger of alerts."""
    for alert in Alert.objects.all():
        for name in ("opened_at", "last_at", "closed_at", "look_at"):
            if getattr(alert, name) is not None:
                setattr(alert, name, getattr(alert, name) - by)
        alert.save()
    for delivery in Delivery.objects.all():
        for name in ("created_at", "due_at", "sent_at"):
            if getattr(delivery, name) is not None:
                setattr(delivery, name, getattr(delivery, name) - by)
        delivery.save()


def said() -> list[tuple[str, str]]:
    """Kinds and channels of all deliveries, in the order in which they were made."""
    return list(Delivery.objects.order_by("pk").values_list("kind", "channel"))


def channel(kind: str = "call", target: Any = "tests.unit.alerts.rows.said", name: str = "a channel") -> Channel:
    return Channel(name=name, kind=kind, target=target)
