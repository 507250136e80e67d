"""Running the executions that a message names: claim them, and settle each when its attempt has ended.

A process that is killed leaves at most what was in its body: each attempt is settled before the next one begins, in
the order of the claim, so that `recover` knows which one had begun. Async functions run together on one loop, so
all that were taken had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async

from deferapp import conf
from deferapp.dispatch import publish
from deferapp.executions import enqueue, life, retry
from deferapp.executions.collect import Collector
from deferapp.executions.current import CurrentExecution
from deferapp.executions.life import Ending
from deferapp.models import Execution
from deferapp.workers import attempt, loop, persist, presence, watch
from deferapp.workers.attempt import Ended, Gone
from deferapp.workers.worklist import Worklist

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction


def run(function: AnyFunction, ids: Sequence[UUID]) -> None:
    """Run those of the executions that nobody else has claimed to their ends."""
    persist.check_connections()
    if presence.node().is_draining:
        publish.leave_to_housekeeping(list(ids))
        return
    with watch.watching(_claim(function, ids)) as worklist:
        if function.is_async:
            loop.run(_run_together(function, worklist))
        else:
            _run_in_turn(function, worklist)


def _claim(function: AnyFunction, ids: Sequence[UUID]) -> Worklist:
    claim = uuid4()
    worker = persist.persist(presence.current)
    claimed = persist.persist(partial(life.claim, function.name, ids, claim=claim, worker_id=worker.pk))
    return Worklist(claim, claimed)


def _run_in_turn(function: AnyFunction, worklist: Worklist) -> None:
    while execution := worklist.take():
        current, collector = _current(execution)
        ended = attempt.make(function, execution, current)
        persist.tidy_connections()
        persist.persist(collector.flush)
        persist.persist(partial(_record, function, worklist.claim, execution, ended))


async def _run_together(function: AnyFunction, worklist: Worklist) -> None:
    await sync_to_async(persist.check_connections)()
    runners = min(len(worklist), conf.current().ASYNC_CONCURRENCY)
    await asyncio.gather(*(_run_until_empty(function, worklist) for _ in range(runners)))


async def _run_until_empty(function: AnyFunction, worklist: Worklist) -> None:
    while execution := worklist.take():
        current, collector = _current(execution)
        ended = await attempt.amake(function, execution, current)
        await sync_to_async(persist.tidy_connections)()
        await persist.apersist(collector.flush)
        await persist.apersist(partial(_record, function, worklist.claim, execution, ended))


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


def _record(function: AnyFunction, claim: UUID, execution: Execution, ended: Ended | Gone) -> None:
    if isinstance(ended, Gone):
        life.discard(claim, execution, ended.reason)
        return
    wait = retry.delay(function.config.retry_policy, execution.attempt, ended.failure) if ended.failure else None
    ending = Ending(
        execution=execution,
        started_at=ended.started_at,
        ended_at=ended.ended_at,
        result_json=ended.result_json,
        failure=ended.failure,
        retry_at=None if wait is None else ended.ended_at + wait,
    )
    life.settle(claim, [ending], worker=str(presence.current()))
