"""Running the executions that a message names: claim them, and settle each when its attempt has ended.

A process that is killed leaves at most what was in its body: each attempt is settled before the next one begins, in
the order of the claim, so that `recover` knows which one had begun. Async functions run together on one loop, so
all that were taken had.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async

from deferapp import conf
from deferapp.dispatch import publish
from deferapp.executions import enqueue, life
from deferapp.executions.batches import hooks
from deferapp.executions.collect import Collector
from deferapp.executions.current import CurrentExecution
from deferapp.models import Execution
from deferapp.workers import attempt, loop, persist, presence, watch
from deferapp.workers.record import record
from deferapp.workers.worklist import Worklist

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction

SLICE: Final = 2.0
"""Seconds after which a run stops claiming what else waits under its limit and lets other functions have a turn."""
WAKE_INTERVAL: Final = 0.1
"""Seconds between two messages by which a run that has stopped claiming hands its slots on."""


def run(function: AnyFunction, ids: Sequence[UUID]) -> None:
    """Run those of the executions that nobody else has claimed to their ends."""
    persist.check_connections()
    if presence.node().is_draining:
        publish.leave_to_housekeeping(list(ids))
        return
    _Run(function).all(ids)


class _Run:
    """One message's run. Under a limit it goes on with what else waits there, so that no slot stays empty."""

    def __init__(self, function: AnyFunction) -> None:
        self._function = function
        self._ends = time.monotonic() + SLICE
        self._woken_at = float("-inf")
        self._worklist = Worklist(())
        self._batches: set[UUID] = set()

    def all(self, ids: Sequence[UUID]) -> None:
        worker = persist.persist(presence.current)
        claim = partial(life.claim, self._function, ids, claim=uuid4(), worker_id=worker.pk, most=self._most())
        self._worklist.add(persist.persist(claim))
        with watch.watching(self._worklist):
            if self._function.is_async:
                loop.run(self._together())
            else:
                self._in_turn()
        hooks.fire_soon(self._batches)

    def _in_turn(self) -> None:
        while execution := self._worklist.take():
            current, collector = _current(execution)
            blocks = persist.open_blocks()
            ended = attempt.make(self._function, execution, current)
            persist.tidy_connections(blocks)
            try:
                persist.persist(collector.flush)
                persist.persist(partial(record, self._function, execution, ended))
            except Exception as error:
                internal = attempt.not_recorded(error, ended)
                persist.persist(partial(record, self._function, execution, internal), persist.ANY_ERROR)
            self._go_on_after([execution])

    async def _together(self) -> None:
        await sync_to_async(persist.check_connections)()
        running: dict[asyncio.Task[None], Execution] = {}
        while True:
            while len(running) < self._most() and (execution := self._worklist.take()):
                running[asyncio.create_task(self._one(execution))] = execution
            if not running:
                return
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            await sync_to_async(self._go_on_after)([running.pop(task) for task in done])

    async def _one(self, execution: Execution) -> None:
        current, collector = _current(execution)
        ended = await attempt.amake(self._function, execution, current)
        await sync_to_async(persist.tidy_connections)({})
        try:
            await persist.apersist(collector.flush)
            await persist.apersist(partial(record, self._function, execution, ended))
        except Exception as error:
            internal = attempt.not_recorded(error, ended)
            await persist.apersist(partial(record, self._function, execution, internal), persist.ANY_ERROR)

    def _most(self) -> int:
        """How many executions of this run may be in their bodies at once."""
        return conf.current().ASYNC_CONCURRENCY if self._function.is_async else 1

    def _go_on_after(self, ended: Sequence[Execution]) -> None:
        self._batches.update(execution.batch for execution in ended if execution.batch is not None)
        config = self._function.config
        if config.concurrency is not None and config.max_concurrency_action == "keep":
            self._refill(sorted({execution.limit_key or self._function.name for execution in ended}))

    def _refill(self, keys: Sequence[str]) -> None:
        """Give the slots that have become free to what waits for them, here or, after a while, by a message."""
        if time.monotonic() < self._ends and not presence.node().is_draining:
            worker_id = presence.current().pk
            claim = partial(
                life.claim_under, self._function, keys, [], claim=uuid4(), worker_id=worker_id, most=self._most()
            )
            self._worklist.add(persist.persist(claim))
        elif time.monotonic() - self._woken_at > WAKE_INTERVAL:
            self._woken_at = time.monotonic()
            for key in keys:
                publish.wake(self._function, key)


def _current(execution: Execution) -> tuple[CurrentExecution, Collector]:
    collector = Collector(enqueue.write)
    current = CurrentExecution(
        id=execution.id,
        function=execution.function,
        attempt=execution.attempt,
        parent_id=execution.parent_id,
        created_at=execution.created_at,
        collector=collector,
    )
    return current, collector
