"""What runs when a batch has ended: enqueued once, by whoever notices first.

Housekeeping looks at all hooks in each round, a worker at those of the batches that it has just worked on. Of
several that notice at once, the one that deletes the hook's row enqueues the call, in the same transaction, under an
id that follows from the batch and the call.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from deferapp import conf
from deferapp.clock import ordered_now
from deferapp.exceptions import ArgumentError, ExecutionNotFound, OptionError
from deferapp.executions import enqueue
from deferapp.executions.batches import witness
from deferapp.executions.current import current_execution
from deferapp.executions.ids import child_id
from deferapp.executions.values import encode_call
from deferapp.functions.function import BackgroundFunction
from deferapp.functions.limit_key import limit_key
from deferapp.models import BatchHook, Execution, ledger

if TYPE_CHECKING:
    from deferapp.executions.batches.batch import Batch

logger = logging.getLogger("deferapp.executions")

MOST_A_ROUND: Final = 500
"""Hooks whose witness has ended that are looked at in one round."""


def add(batch: Batch, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> UUID:
    """Hook a call to a batch. Raises as `Batch.then`."""
    hook = _build(batch, function, args, kwargs)
    executions = Execution.objects.using(ledger())
    if executions.filter(id=hook.id).exists():
        return hook.id
    if batch and not executions.filter(id=batch[-1]).exists():
        raise ExecutionNotFound(f"{batch!r} is not in the ledger: it was rolled back, or has been pruned.")
    BatchHook.objects.using(ledger()).bulk_create([hook], ignore_conflicts=True)
    transaction.on_commit(partial(fire_soon, [batch.id]), using=ledger())
    return hook.id


def fire(batches: Collection[UUID] | None = None) -> int:
    """Enqueue the hooks of batches that have ended, of all or these. Returns how many."""
    running = Execution.objects.using(ledger()).filter(id=OuterRef("witness"), state__in=witness.OPEN)
    ripe = _hooks().filter(~Exists(running))
    if batches is not None:
        ripe = ripe.filter(batch__in=batches)
    return sum(_fire(hook) for hook in ripe[:MOST_A_ROUND])


def fire_soon(batches: Collection[UUID]) -> None:
    """`fire` ahead of housekeeping, which does it if the database does not let us."""
    if not batches:
        return
    try:
        fire(batches)
    except DatabaseError as error:
        logger.warning("Hooks of batches are left to housekeeping: %r", error)


def _build(batch: Batch, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> BatchHook:
    if not isinstance(function, BackgroundFunction):
        raise ArgumentError(f"then() takes a background function and its arguments, not {function!r:.100}")
    assigned = function.assigned
    if (assigned.delay, assigned.discard_after, assigned.key) != (None, None, None):
        raise OptionError(f"{function.name} starts when the batch has ended: delay, discard_after, key do not apply")
    arguments = encode_call(function.name, function.signature, tuple(args), dict(kwargs))
    parent = current_execution()
    return BatchHook(
        id=child_id(batch.id, function.name, arguments, 0),
        batch=batch.id,
        witness=batch[-1] if batch else None,
        function=function.name,
        arguments_json=arguments,
        metadata=dict(assigned.metadata),
        limit_key=limit_key(function, args, kwargs),
        parent=parent.id if parent else None,
    )


def _fire(hook: BatchHook) -> int:
    """Enqueue it if no execution of its batch is left; if there is one, that is its witness from now on."""
    row = _hooks().filter(id=hook.id)
    left = witness.find(hook.batch)
    if left is not None:
        row.update(witness=left)
        return 0
    with transaction.atomic(using=ledger()):
        is_ours, _ = row.delete()
        if is_ours:
            enqueue.write([_execution(hook)])
    return is_ours


def _execution(hook: BatchHook) -> Execution:
    moment = ordered_now()
    return Execution(
        id=hook.id,
        function=hook.function,
        arguments_json=hook.arguments_json,
        metadata=hook.metadata,
        limit_key=hook.limit_key,
        parent_id=hook.parent,
        created_at=moment,
        due_at=moment,
        dispatch_at=moment + conf.republish_after(),
    )


def _hooks() -> QuerySet[BatchHook]:
    return BatchHook.objects.using(ledger())
