"""Limits of concurrency: which waiting executions may be claimed now.

What runs is counted, not remembered: a slot is an execution that has started, so a slot comes back with whatever ends
or recovers its execution. Counting and claiming happen under the lock of the limit's row, everywhere at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import connections

from deferapp.executions.expiry import expired
from deferapp.executions.states import State
from deferapp.models import Execution, Limit, ledger

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction
    from deferapp.models.queries import ExecutionQuerySet


HELD_FOR_SECONDS: Final = 5
"""How long a process may stand still while it holds a limit: counting and claiming takes it milliseconds."""


def keys_of(function: AnyFunction, ids: Iterable[UUID]) -> list[str]:
    """The limits that these executions wait under."""
    keys = _executions().filter(id__in=list(ids), state=State.CREATED).values_list("limit_key", flat=True)
    return sorted({key or function.name for key in keys})


def lock(keys: Collection[str]) -> None:
    """Let nobody else count or claim under these limits until the transaction ends. (An UPDATE locks everywhere.)

    Every worker that has work under a limit waits for whoever holds it, so PostgreSQL takes it from one that stands
    still. Elsewhere they wait until that process goes on or ends.
    """
    connection = connections[ledger()]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{HELD_FOR_SECONDS}s'")
    limits = Limit.objects.using(ledger())
    for key in sorted(keys):
        if not limits.filter(key=key).update(key=key):
            limits.bulk_create([Limit(key=key)], ignore_conflicts=True)
            limits.filter(key=key).update(key=key)


def admitted(
    function: AnyFunction, key: str, waiting: ExecutionQuerySet, moment: datetime, most: int, *, skip_locked: bool
) -> list[UUID]:
    """Those of the waiting executions that may start now, the oldest first. To be called under the lock.

    With `skip_locked`, where the database can do that, without those that somebody else has locked.
    """
    limit = function.config.concurrency or 0
    free = limit - under(function, key).filter(state__in=(State.STARTED, State.ABORTING)).count()
    if free <= 0:
        return []
    due = under(function, key, waiting).filter(~expired(moment), state=State.CREATED, due_at__lte=moment)
    if skip_locked and connections[ledger()].features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    return list(due.order_by("created_at", "id").values_list("id", flat=True)[: min(free, most)])


def under(function: AnyFunction, key: str, executions: ExecutionQuerySet | None = None) -> ExecutionQuerySet:
    """The function's executions under a limit."""
    rows = (_executions() if executions is None else executions).filter(function=function.name)
    return rows.filter(limit_key=key) if key != function.name else rows.filter(limit_key__isnull=True)


def _executions() -> ExecutionQuerySet:
    return Execution.objects.using(ledger())
