"""Running the executions that a message names: claim them, and settle each when its attempt has ended.

A process that is killed leaves at most what was in its body: each attempt is settled, or noted to be settled together
with others, before the next one begins, in the order of the claim, so that `recover` knows which one had begun. Async
functions run together on one loop, so all that were taken had.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeGuard
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import Error

from deferapp import conf
from deferapp.dispatch import publish
from deferapp.executions import enqueue, life
from deferapp.executions.batches import hooks
from deferapp.executions.collect import Collector
from deferapp.executions.current import CurrentExecution
from deferapp.executions.endings import notes
from deferapp.executions.logs.log import Log
from deferapp.models import Execution
from deferapp.workers import attempt, bodies, claims, loop, persist, presence, termination, watch
from deferapp.workers.attempt import Ended, Gone
from deferapp.workers.record import ending_of, record
from deferapp.workers.worklist import Worklist

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction

SLICE: Final = 2.0
"""Seconds after which a run stops claiming what else waits under its limit and lets other functions have a turn."""
DOUBT: Final = 5.0
"""Seconds after which what was claimed and has not begun may be another's: far fewer than make a worker silent."""
SHORT: Final = timedelta(milliseconds=50)
"""Bodies that take longer are settled one by one."""
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
                with bodies.interruptible():
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
                if self._note(execution, ended, log):
                    continue
                was_held = persist.persist(partial(record, self._function, execution, ended, log))
            except Exception as error:
                internal = attempt.not_recorded(error, ended)
                was_held = persist.persist(partial(record, self._function, execution, internal, log), persist.ANY_ERROR)
            self._sure_at = moment if was_held else float("-inf")
            self._go_on_after([execution])
        self._settle_noted()

    def _note(self, execution: Execution, ended: Ended | Gone, log: Log) -> bool:
        """Note the end of a short body, so that the next can begin, if others are about to end as soon."""
        noted = self._worklist.noted
        log.close()
        if not (len(self._worklist) or len(noted)) or not self._may_be_noted(ended) or log.is_unwritten:
            return False
        try:
            if not noted.add(ending_of(self._function, execution, ended)):
                return False
        except Error:  # Such as a table that is not there yet. What is wrong with the end itself, settling it will say.
            return False
        self._remember_batch(execution)
        if noted.is_stale:
            self._settle_noted()
        return True

    def _may_be_noted(self, ended: Ended | Gone) -> TypeGuard[Ended]:
        """A slot of a limit has to come back at once; and settling a long body costs little, beside it."""
        return (
            isinstance(ended, Ended)
            and ended.failure is None
            and ended.ended_at - ended.started_at < SHORT
            and self._function.config.concurrency is None
            and notes.can_be_taken()
        )

    def _settle_noted(self) -> None:
        moment = time.monotonic()
        was_held = persist.persist(self._worklist.noted.settle, persist.ANY_ERROR)
        self._sure_at = moment if was_held else float("-inf")

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

    def _remember_batch(self, execution: Execution) -> None:
        if execution.batch is not None:
            self._batches.add(execution.batch)

    def _go_on_after(self, ended: Sequence[Execution]) -> None:
        for execution in ended:
            self._remember_batch(execution)
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
