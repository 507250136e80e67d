"""Enqueueing: a row in the ledger inside the caller's transaction, a message when it commits."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import IntegrityError, connections, transaction

from deferapp import conf, signals
from deferapp.clock import ordered_now
from deferapp.dispatch import publish
from deferapp.dispatch.priority import priority_of
from deferapp.durations import as_moment
from deferapp.exceptions import ArgumentError, OptionError
from deferapp.executions import tell, watchers
from deferapp.executions.batches.batch import Batch
from deferapp.executions.collect import Collector
from deferapp.executions.current import current_execution
from deferapp.executions.ids import keyed_id, new_id
from deferapp.executions.values import encode_call
from deferapp.functions.limit_key import limit_key
from deferapp.models import Execution, ledger
from deferapp.models.insertion import insert_missing

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction

CHUNK: Final = 1_000
"""How many executions are written in one statement."""

Call = Iterable[Any]
"""The positional arguments of one execution."""


def one(function: AnyFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Execution:
    """Enqueue one execution; with a key, give the one that has it if there is one."""
    execution = _build(function, args, kwargs)
    if function.assigned.key is not None:
        return _write_unless_known(execution)
    collector = _collector()
    if collector is None or connections[ledger()].in_atomic_block or not collector.takes(execution):
        write([execution])
    elif collector.is_full:
        collector.flush()
    return execution


async def aone(function: AnyFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Execution:
    execution = _build(function, args, kwargs)
    if function.assigned.key is not None:
        return await sync_to_async(_write_unless_known)(execution)
    collector = _collector()
    if collector is None or not collector.takes(execution):
        await sync_to_async(write)([execution])
    elif collector.is_full:
        await collector.aflush_behind()
    return execution


def write(executions: Sequence[Execution]) -> None:
    """Write rows, and publish them when they are committed.

    A child that its parent enqueued in an earlier attempt is there already and stays as it is. If that attempt is at it
    still, who writes an id waits for who has written it before: both write in one order.
    """
    ordered = sorted(executions, key=lambda execution: execution.id)
    with tell.of_new(executions):
        insert_missing(ordered, using=ledger())
    for function, group in itertools.groupby(executions, key=lambda execution: execution.function):
        _publish(function, group)


def many(function: AnyFunction, calls: Iterable[Call]) -> Batch:
    """Enqueue an execution for each call, a chunk at a time."""
    batch = _new_batch(function)
    for chunk in _chunks(iter(calls)):
        _enqueue(function, chunk, batch)
    return batch


async def amany(function: AnyFunction, calls: Iterable[Call] | AsyncIterable[Call]) -> Batch:
    if not isinstance(calls, AsyncIterable):
        return await sync_to_async(many)(function, calls)
    batch = _new_batch(function)
    async for chunk in _achunks(calls):
        await sync_to_async(_enqueue)(function, chunk, batch)
    return batch


def _new_batch(function: AnyFunction) -> Batch:
    """Inside a running function with an id that its next attempt gets too, for the same map of the same function."""
    _refuse_key(function)
    parent = current_execution()
    return Batch(parent.next_child_id(function.name, "map") if parent else new_id())


def _enqueue(function: AnyFunction, calls: list[Call], batch: Batch) -> None:
    executions = [_build(function, tuple(call), {}, batch.id) for call in calls]
    write(executions)
    batch.extend(execution.id for execution in executions)


def _refuse_key(function: AnyFunction) -> None:
    if function.assigned.key is not None:
        raise OptionError(f"key= names one execution of {function.name}: give each call of a map a key of its own")


def _write_unless_known(execution: Execution) -> Execution:
    """Write an execution whose id follows from a key, and publish it; if it is there already, only read it."""
    rows = Execution.objects.using(ledger())
    if known := rows.filter(id=execution.id).first():
        return known
    try:
        with transaction.atomic(using=ledger()):
            execution.save(using=ledger(), force_insert=True)
    except IntegrityError:
        return rows.get(id=execution.id)
    tell.of(signals.enqueued, lambda: [execution])
    _publish(execution.function, [execution])
    return execution


def _publish(function: str, executions: Iterable[Execution]) -> None:
    """Publish those that are due; housekeeping publishes the others when they are."""
    due = [execution for execution in executions if execution.due_at <= execution.created_at]
    for priority, group in itertools.groupby(due, key=priority_of):
        publish.on_commit(function, [execution.id for execution in group], priority=priority)


def _collector() -> Collector | None:
    current = current_execution()
    return current.collector if current else None


def _build(
    function: AnyFunction, args: Sequence[Any], kwargs: Mapping[str, Any], batch: UUID | None = None
) -> Execution:
    arguments = encode_call(function.name, function.signature, tuple(args), dict(kwargs))
    settings = conf.current()
    if len(arguments) > settings.MAX_ARGUMENTS:
        raise ArgumentError(_too_large(function, len(arguments)))
    options = function.assigned
    parent = current_execution()
    moment = ordered_now()
    due_at = moment if options.delay is None else max(moment, as_moment(options.delay, moment))
    id = _id(function, arguments)
    return Execution.new(
        id=id,
        function=function.name,
        arguments_json=arguments,
        parent_id=parent.id if parent else None,
        created_at=moment,
        due_at=due_at,
        dispatch_at=due_at if due_at > moment else moment + timedelta(seconds=settings.REPUBLISH_AFTER),
        discard_at=None if options.discard_after is None else as_moment(options.discard_after, moment),
        metadata=watchers.carried(function.name, id, options.metadata),
        limit_key=limit_key(function, args, kwargs),
        batch=batch,
    )


def _too_large(function: AnyFunction, size: int) -> str:
    return (
        f"The arguments of {function.name} have {size:,} bytes as JSON; DEFER['MAX_ARGUMENTS'] allows "
        f"{conf.current().MAX_ARGUMENTS:,}. Store the data, and pass what it can be found by."
    )


def _id(function: AnyFunction, arguments: str) -> UUID:
    if function.assigned.key is not None:
        return keyed_id(function.name, function.assigned.key)
    parent = current_execution()
    return parent.next_child_id(function.name, arguments) if parent else new_id()


def _chunks(calls: Iterator[Call]) -> Iterator[list[Call]]:
    while chunk := list(itertools.islice(calls, CHUNK)):
        yield chunk


async def _achunks(calls: AsyncIterable[Call]) -> AsyncIterator[list[Call]]:
    chunk: list[Call] = []
    async for call in calls:
        chunk.append(call)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
