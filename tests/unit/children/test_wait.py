"""Waiting for the end of a batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import DatabaseError, transaction

from deferapp import defer
from deferapp.exceptions import DeferError, ResultTimeout
from deferapp.executions.batches import wait, witness
from deferapp.executions.batches.batch import Batch
from deferapp.executions.progress import Progress
from deferapp.executions.states import State
from deferapp.functions.function import BackgroundFunction
from deferapp.models import Execution
from deferapp.workers.persist import persist
from tests.unit.children.ends import fail, succeed
from tests.unit.parallel import close_connections
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_registry", "queue")]

LIMIT_SECONDS = 20.0


def mail(number: int) -> None: ...


@pytest.fixture
def function(empty_registry: None) -> BackgroundFunction[..., Any]:
    return defer(mail)


@pytest.fixture(autouse=True)
def nobody_waits_any_more() -> Iterator[None]:
    """The thread that asks the ledger has let go of it before the tables are emptied."""
    yield
    wait_until(lambda: wait._waiters._thread is None, LIMIT_SECONDS, "somebody waits still")


@pytest.fixture
def in_thread() -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Call something in another thread, as often as a lock of SQLite's memory keeps it from being done."""

    def run(call: Callable[[], Any]) -> Any:
        try:
            return persist(call)
        finally:
            close_connections()

    with ThreadPoolExecutor(2) as pool:
        yield lambda call: pool.submit(run, call)


def is_waited_for() -> bool:
    return bool(wait._waiters._futures)


def test_it_returns_the_progress_when_the_last_has_ended_in_whichever_way(
    function: BackgroundFunction[..., Any], in_thread: Callable[..., Any]
) -> None:
    batch = function.map(range(3))
    waiting = in_thread(lambda: batch.wait(LIMIT_SECONDS))
    wait_until(is_waited_for, LIMIT_SECONDS, "nobody waits")
    persist(lambda: succeed(batch[2:]))
    persist(lambda: fail(batch[:1]))
    assert not waiting.done()
    persist(lambda: succeed(batch[1:2]))
    ended = time.monotonic()
    progress: Progress = waiting.result(LIMIT_SECONDS)
    assert time.monotonic() - ended < 5
    assert (progress.by_state[State.SUCCEEDED], progress.by_state[State.FAILED]) == (2, 1)
    assert progress.is_complete


def test_it_is_awaited_in_async_code(function: BackgroundFunction[..., Any]) -> None:
    async def ends_it(batch: Batch) -> None:
        await asyncio.to_thread(wait_until, is_waited_for, LIMIT_SECONDS, "nobody waits")
        await sync_to_async(persist)(lambda: succeed(batch))

    async def body() -> Progress:
        batch = await function.amap(range(3))
        ending = asyncio.create_task(ends_it(batch))
        progress = await batch
        await ending
        return progress

    assert async_to_sync(body)().by_state[State.SUCCEEDED] == 3


def test_what_has_ended_before_or_has_nothing_is_not_waited_for(function: BackgroundFunction[..., Any]) -> None:
    batch = function.map(range(3))
    succeed(batch)
    assert batch.wait(LIMIT_SECONDS).ended == 3
    assert function.map([]).wait(LIMIT_SECONDS).total == 0


def test_a_batch_that_was_rolled_back_is_not_waited_for(function: BackgroundFunction[..., Any]) -> None:
    with transaction.atomic():
        batch = function.map([1])
        transaction.set_rollback(True)
    assert batch.wait(LIMIT_SECONDS).total == 0


def test_after_the_timeout_it_says_so_and_the_batch_goes_on(function: BackgroundFunction[..., Any]) -> None:
    batch = function.map([1])
    with pytest.raises(ResultTimeout, match=r"^<Batch .*: 1> has not ended within 0\.05 s\.$"):
        batch.wait(0.05)
    with pytest.raises(TimeoutError):
        async_to_sync(asyncio.wait_for)(batch, 0.05)
    assert Execution.objects.get().state == State.CREATED


def test_inside_a_transaction_it_is_refused(function: BackgroundFunction[..., Any]) -> None:
    with transaction.atomic():
        batch = function.map([1])
        with pytest.raises(DeferError, match="inside a transaction"):
            batch.wait(LIMIT_SECONDS)


def test_while_the_database_is_away_it_goes_on_asking(
    function: BackgroundFunction[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, failures = function.map([1]), []

    def away_twice(ids: list[Any]) -> list[Any]:
        if len(failures) < 2:
            failures.append(ids)
            raise DatabaseError
        return ids

    monkeypatch.setattr(wait._waiters, "_ended", away_twice)
    succeed(batch)
    assert batch.wait(LIMIT_SECONDS).is_complete
    assert len(failures) == 2


def test_only_the_end_of_the_witness_asks_for_another(
    function: BackgroundFunction[..., Any], in_thread: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[Any] = []
    find = witness.find
    monkeypatch.setattr(witness, "find", lambda batch: searched.append(batch) or find(batch))
    batch = function.map(range(5))
    waiting = in_thread(lambda: batch.wait(LIMIT_SECONDS))
    wait_until(is_waited_for, LIMIT_SECONDS, "nobody waits")
    for number in range(5):
        persist(lambda number=number: succeed(batch[number : number + 1]))  # type: ignore[misc]
    waiting.result(LIMIT_SECONDS)
    assert searched == [batch.id]


def test_the_pauses_grow_with_the_wait_and_stay_short() -> None:
    pauses = [wait.pause(age) for age in (0, 1, 10, 100, 100_000)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.05, 0.25)
