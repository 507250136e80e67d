"""Enqueueing: a row in the ledger inside the caller's transaction, a message when it commits."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import sync_to_async
from django.db import connections

from deferapp import conf
from deferapp.clock import ordered_now
from deferapp.dispatch import publish
from deferapp.executions.collect import Collector
from deferapp.executions.current import current_execution
from deferapp.executions.ids import Ids, new_id
from deferapp.executions.values import encode_call
from deferapp.models import Execution, ledger

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction

BATCH: Final = 500
"""How many executions are written in one statement."""

Call = Iterable[Any]
"""The positional arguments of one execution."""


def one(function: AnyFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Execution:
    """Enqueue one execution."""
    execution = _build(function, args, kwargs)
    collector = _collector()
    if collector is None or connections[ledger()].in_atomic_block or not collector.takes(execution):
        write([execution])
    elif collector.is_full:
        collector.flush()
    return execution


async def aone(function: AnyFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Execution:
    execution = _build(function, args, kwargs)
    collector = _collector()
    if collector is None or not collector.takes(execution):
        await sync_to_async(write)([execution])
    elif collector.is_full:
        await sync_to_async(collector.flush)()
    return execution


def write(executions: Sequence[Execution]) -> None:
    """Write rows, and publish them when they are committed.

    A child that its parent enqueued in an earlier attempt is there already and stays as it is.
    """
    Execution.objects.using(ledger()).bulk_create(executions, ignore_conflicts=True, batch_size=BATCH)
    for function, group in itertools.groupby(executions, key=lambda execution: execution.function):
        publish.on_commit(function, [execution.id for execution in group])


def many(function: AnyFunction, calls: Iterable[Call]) -> Ids:
    """Enqueue an execution for each call, a batch at a time."""
    ids = Ids()
    for batch in _batches(iter(calls)):
        ids.extend(_batch(function, batch))
    return ids


async def amany(function: AnyFunction, calls: Iterable[Call] | AsyncIterable[Call]) -> Ids:
    if not isinstance(calls, AsyncIterable):
        return await sync_to_async(many)(function, calls)
    ids = Ids()
    async for batch in _abatches(calls):
        ids.extend(await sync_to_async(_batch)(function, batch))
    return ids


def _batch(function: AnyFunction, calls: list[Call]) -> Ids:
    executions = [_build(function, tuple(call), {}) for call in calls]
    write(executions)
    return Ids(execution.id for execution in executions)


def _collector() -> Collector | None:
    current = current_execution()
    return current.collector if current else None


def _build(function: AnyFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Execution:
    arguments = encode_call(function.name, function.signature, tuple(args), dict(kwargs))
    parent = current_execution()
    moment = ordered_now()
    return Execution(
        id=parent.next_child_id(function.name, arguments) if parent else new_id(),
        function=function.name,
        arguments_json=arguments,
        parent_id=parent.id if parent else None,
        created_at=moment,
        due_at=moment,
        dispatch_at=moment + conf.republish_after(),
    )


def _batches(calls: Iterator[Call]) -> Iterator[list[Call]]:
    while batch := list(itertools.islice(calls, BATCH)):
        yield batch


async def _abatches(calls: AsyncIterable[Call]) -> AsyncIterator[list[Call]]:
    batch: list[Call] = []
    async for call in calls:
        batch.append(call)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
