"""Running the executions that a message names: claim them, and settle each when its attempt has ended.

A process that is killed leaves at most what was in its body: each attempt is settled before the next one begins, in
the order of the claim, so that `recover` knows which one had begun. Async functions run together on one loop, so
all that were taken had.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from asgiref.sync import sync_to_async

from deferapp import conf
from deferapp.dispatch import publish
from deferapp.executions import enqueue, life
from deferapp.executions.batches import hooks
from deferapp.executions.collect import Collector
from deferapp.executions.current import CurrentExecution
from deferapp.executions.logs.log import Log
from deferapp.models import Execution
from deferapp.workers import attempt, claims, loop, persist, presence, termination, watch
from deferapp.workers.record import record
from deferapp.workers.worklist import Worklist

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction

SLICE: Final = 2.0
"""Seconds after which a run stops claiming what else waits under its limit and lets other functions have a turn."""
DOUBT: Final = 5.0
"""Seconds after which what was claimed and has not begun may be another's: far fewer than make a worker silent."""
WAKE_INTERVAL: Final = 0.1
"""Seconds between two messages by which a run that has stopped claiming hands its slots on."""


def run(function: AnyFunction, ids: Sequence[UUID]) -> None:
    """Run those of the executions that nobody else has claimed to their ends."""
    with termination.left_to_the_worker():
        persist.check_connections()
        if presence.node().is_draining:
            publish.leave_to_housekeeping(list(ids))
            return
        _Run(function).all(ids)


class _Run:
    """One message's run. Under a limit it goes on with what else waits there, so that no slot stays empty."""

    def __init__(self, function: AnyFunction) -> None:
        self._function = function
        self._claims = claims.of_a_run()
        self._sure_at = float("-inf")
        self._ends = time.monotonic() + SLICE
        self._woken_at = float("-inf")
        self._worklist = Worklist(())
        self._batches: set[UUID] = set()

    def all(self, ids: Sequence[UUID]) -> None:
        self._claim(life.claim, ids)
        with watch.watching(self._worklist):
            if self._function.is_async:
                loop.run(self._together())
            else:
                self._in_turn()
        hooks.fire_soon(self._batches)

    def _claim(self, claim: Callable[..., list[Execution]], *what: Sequence[Any]) -> None:
        worker_id, moment = persist.persist(presence.renew).pk, time.monotonic()
        call = partial(claim, self._function, *what, claim=next(self._claims), worker_id=worker_id, most=self._most())
        self._worklist.add(persist.persist(call))
        self._sure_at = moment

    def _in_turn(self) -> None:
        while execution := self._next():
            current, collector, log = _current(execution)
            blocks = persist.open_blocks()
            ended = attempt.make(self._function, execution, current)
            persist.tidy_connections(blocks)
            moment = time.monotonic()
            try:
                persist.persist(collector.flush)
                was_held = persist.persist(partial(record, self._function, execution, ended, log))
            except Exception as error:
                internal = attempt.not_recorded(error, ended)
                was_held = persist.persist(partial(record, self._function, execution, internal, log), persist.ANY_ERROR)
            self._sure_at = moment if was_held else float("-inf")
            self._go_on_after([execution])

    async def _together(self) -> None:
        await sync_to_async(persist.check_connections)()
        running: dict[asyncio.Task[None], Execution] = {}
        while True:
            while self._is_in_doubt():
                await sync_to_async(self._make_sure)()
            while len(running) < self._most() and (execution := self._take()):
                running[asyncio.create_task(self._one(execution))] = execution
            if not running:
                return
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            await sync_to_async(self._go_on_after)([running.pop(task) for task in done])

    async def _one(self, execution: Execution) -> None:
        current, collector, log = _current(execution)
        ended = await attempt.amake(self._function, execution, current)
        await sync_to_async(persist.tidy_connections)({})
        moment = time.monotonic()
        try:
            await persist.apersist(collector.flush)
            was_held = await persist.apersist(partial(record, self._function, execution, ended, log))
        except Exception as error:
            internal = attempt.not_recorded(error, ended)
            was_held = await persist.apersist(
                partial(record, self._function, execution, internal, log), persist.ANY_ERROR
            )
        self._sure_at = moment if was_held else float("-inf")

    def _next(self) -> Execution | None:
        while self._is_in_doubt():
            self._make_sure()
        return self._take()

    def _take(self) -> Execution | None:
        """What is left behind by a process that is to end is given back."""
        return None if termination.is_told() else self._worklist.take()

    def _is_in_doubt(self) -> bool:
        """Whether others may have taken what waits here: so they do if this process has stood still for long."""
        return len(self._worklist) > 0 and time.monotonic() - self._sure_at > DOUBT

    def _make_sure(self) -> None:
        """Begin nothing that this process does not hold any more."""
        self._sure_at, waiting = time.monotonic(), self._worklist.waiting()
        held = persist.persist(partial(claims.still_held, waiting))
        self._worklist.surrender({execution.id for execution in waiting} - held)

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
        if time.monotonic() < self._ends and not presence.node().is_draining and not termination.is_told():
            self._claim(life.claim_under, keys, [])
        elif time.monotonic() - self._woken_at > WAKE_INTERVAL:
            self._woken_at = time.monotonic()
            for key in keys:
                publish.wake(self._function, key)


def _current(execution: Execution) -> tuple[CurrentExecution, Collector, Log]:
    collector, log = Collector(enqueue.write), Log(execution.id, execution.attempt)
    current = CurrentExecution(
        id=execution.id,
        function=execution.function,
        attempt=execution.attempt,
        parent_id=execution.parent_id,
        created_at=execution.created_at,
        collector=collector,
        log=log,
    )
    return current, collector, log
