"""Running what is enqueued to its end, now or at another time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from asgiref.sync import sync_to_async

from deferapp import clock
from deferapp.cron import next_after, parse
from deferapp.durations import as_date
from deferapp.executions import life
from deferapp.executions.batches import hooks
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import Execution, Schedule, ledger
from deferapp.schedules import sync, tick
from deferapp.testing.worker import TestWorker

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction
    from deferapp.models.queries import ExecutionQuerySet

MOST_ATTEMPTS: Final = 10_000
"""Attempts after which what is enqueued is taken to have no end."""
_BEFORE: Final = timedelta(microseconds=1)


def run_enqueued(*functions: AnyFunction, may_fail: bool = False) -> list[Execution]:
    """Run what is enqueued, what that enqueues, and retries, to the end. Retries do not wait; delays do.

    With functions, only theirs. Returns the executions that ran, as they are then, in the order of their first
    attempts. Raises `ExecutionFailed`, with its traceback, if one has ended as failed, after all have ended, unless
    it `may_fail`. Raises `AssertionError` after 10,000 attempts.
    """
    with clock.travelling() as travel, TestWorker() as worker:
        _to_the_end(worker, functions, travel)
        return _ran(worker, may_fail=may_fail)


def run_due(at: datetime, *functions: AnyFunction, may_fail: bool = False) -> list[Execution]:
    """Travel to a moment, fire the schedules that are due in its minute, and run what is due then to the end.

    As if workers had been there all the time: what was due before has been seen to. A moment that has fired does not
    fire again. Executions with a delay that is over by then run too. Otherwise as `run_enqueued`. deferapp's own
    clock is moved, and put back; to move the clock that bodies read, use time-machine or freezegun around the call.
    """
    moment = as_date(at)
    with clock.travelling() as travel, TestWorker() as worker:
        travel(moment)
        _fire(moment, functions)
        _to_the_end(worker, functions, travel)
        return _ran(worker, may_fail=may_fail)


async def arun_enqueued(*functions: AnyFunction, may_fail: bool = False) -> list[Execution]:
    """`run_enqueued` from async code."""
    return await sync_to_async(run_enqueued)(*functions, may_fail=may_fail)


async def arun_due(at: datetime, *functions: AnyFunction, may_fail: bool = False) -> list[Execution]:
    """`run_due` from async code."""
    return await sync_to_async(run_due)(at, *functions, may_fail=may_fail)


def _to_the_end(worker: TestWorker, functions: Collection[AnyFunction], travel: Callable[[datetime], None]) -> None:
    life.expire()
    while worker.attempts < MOST_ATTEMPTS:
        attempts = worker.attempts
        due, next_retry_at = _look(functions)
        for function, ids in due.items():
            worker.run(function, ids)
        if worker.attempts > attempts:
            continue
        if next_retry_at is not None:
            travel(next_retry_at)
        elif not hooks.fire():
            return
    latest = _waiting(functions).values_list("function", flat=True).first()
    raise AssertionError(f"After {MOST_ATTEMPTS:,} attempts there is still work: {latest} has no end.")


def _look(functions: Collection[AnyFunction]) -> tuple[dict[AnyFunction, list[UUID]], datetime | None]:
    """What is due, by function, the one that has waited longest first; and when the next retry is."""
    moment = clock.now()
    due: dict[AnyFunction, list[UUID]] = {}
    retries: list[datetime] = []
    rows = _waiting(functions).order_by("created_at", "id")
    for name, id, due_at, attempts in rows.values_list("function", "id", "due_at", "attempt"):
        function = registry.get(name)
        if function and due_at <= moment:
            due.setdefault(function, []).append(id)
        elif function and attempts > 0:
            retries.append(due_at)
    return due, min(retries, default=None)


def _waiting(functions: Collection[AnyFunction]) -> ExecutionQuerySet:
    waiting = Execution.objects.using(ledger()).filter(state=State.CREATED)
    return waiting.filter(function__in=[function.name for function in functions]) if functions else waiting


def _fire(moment: datetime, functions: Collection[AnyFunction]) -> None:
    """Fire by the tick, with every schedule where it would stand if it had been looked after until now."""
    if _is_behind():
        sync.sync()
    names = {function.name for function in functions}
    minute = moment.replace(second=0, microsecond=0)
    schedules = list(Schedule.objects.using(ledger()).filter(is_declared=True, is_paused=False))
    for schedule in schedules:
        begins = minute - _BEFORE if not names or schedule.function in names else moment
        schedule.next_due_at = next_after(parse(schedule.frequency), begins)
    Schedule.objects.using(ledger()).bulk_update(schedules, ["next_due_at"])
    tick.tick(moment)


def _is_behind() -> bool:
    """Whether the schedules in the ledger are not those of the code: no worker has started here."""
    declared = {(each.name, parse(each.frequency).text, each.catch_up) for each in registry.scheduled()}
    rows = Schedule.objects.using(ledger()).filter(is_declared=True)
    return declared != set(rows.values_list("function", "declared_frequency", "catch_up"))


def _ran(worker: TestWorker, *, may_fail: bool) -> list[Execution]:
    rows = Execution.objects.using(ledger()).in_bulk(list(worker.ran))
    ran = [rows[id] for id in worker.ran if id in rows]
    failed = next((each for each in ran if each.state == State.FAILED), None)
    if failed is not None and not may_fail:
        _ = failed.result
    return ran
