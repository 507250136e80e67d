"""The execution whose body runs, and the ids of its children."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from asgiref.sync import async_to_sync, sync_to_async

from deferapp import current_execution
from deferapp.clock import now
from deferapp.executions.current import CurrentExecution, running
from deferapp.executions.ids import due_id, keyed_id, new_id, rerun_id

CREATED_AT = now()


def attempt_of(execution_id: UUID, attempt: int = 1) -> CurrentExecution:
    return CurrentExecution(
        id=execution_id, function="shop.defer.all", attempt=attempt, parent_id=None, created_at=CREATED_AT
    )


def test_outside_of_executions_there_is_none() -> None:
    assert current_execution() is None


def test_inside_it_is_the_one_that_runs_and_afterwards_the_one_before() -> None:
    outer, inner = attempt_of(new_id()), attempt_of(new_id())
    with running(outer):
        with running(inner):
            assert current_execution() is inner
        assert current_execution() is outer
    assert current_execution() is None


def test_it_is_known_in_coroutines_and_their_threads_and_not_mixed_up_between_them() -> None:
    async def body(execution: CurrentExecution) -> bool:
        with running(execution):
            await asyncio.sleep(0)
            in_thread = await sync_to_async(current_execution)()
            in_task = await asyncio.create_task(asyncio.to_thread(current_execution))
            return in_thread is in_task is current_execution() is execution

    async def together() -> list[bool]:
        return await asyncio.gather(*(body(attempt_of(new_id())) for _ in range(5)))

    assert async_to_sync(together)() == [True] * 5


def test_children_have_the_same_ids_in_every_attempt() -> None:
    parent = new_id()
    calls = [("f", "{}"), ("g", "{}"), ("f", "{}"), ("f", "[1]"), ("f", "{}")]
    first = [attempt.next_child_id(*call) for attempt in [attempt_of(parent)] for call in calls]
    second = [attempt.next_child_id(*call) for attempt in [attempt_of(parent, 2)] for call in calls]
    assert first == second
    assert len(set(first)) == 5


def test_the_order_of_different_calls_does_not_matter() -> None:
    parent = new_id()
    calls = [("f", f"[{number}]") for number in range(10)]
    forth, back = attempt_of(parent), attempt_of(parent, 2)
    first = {call: forth.next_child_id(*call) for call in calls}
    assert {call: back.next_child_id(*call) for call in reversed(calls)} == first


def test_what_a_schedule_fired_knows_its_due_moment_and_what_was_called_has_none() -> None:
    name, due_at = "shop.defer.all", datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
    assert attempt_of(due_id(name, due_at), 3).due_moment == due_at
    of_another, rerun = due_id("shop.defer.none", due_at), rerun_id(due_id(name, due_at), "again")
    for other in (of_another, rerun, new_id(), keyed_id(name, "k"), UUID(int=2**128 - 1)):
        assert attempt_of(other).due_moment is None
