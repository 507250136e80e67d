"""What `map` returns: the ids of its executions, and a handle on all of them."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction

from deferapp import defer
from deferapp.executions import enqueue
from deferapp.executions.batches import witness
from deferapp.executions.batches.batch import Batch
from deferapp.executions.current import running
from deferapp.executions.ids import new_id
from deferapp.executions.states import State
from deferapp.functions.function import BackgroundFunction
from deferapp.models import BatchHook, Execution
from tests.unit.children.ends import attempt_of, fail, start, succeed
from tests.unit.rows import make_execution

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_registry", "queue")]


def mail(number: int) -> None: ...


@pytest.fixture
def function(empty_registry: None) -> BackgroundFunction[..., Any]:
    return defer(mail)


def batches_of(ids: Sequence[UUID]) -> set[UUID | None]:
    return set(Execution.objects.filter(pk__in=list(ids)).values_list("batch", flat=True))


def test_a_batch_is_the_sequence_of_its_ids(function: BackgroundFunction[..., Any]) -> None:
    batch = function.map([1, 2, 3])
    assert isinstance(batch, Batch)
    assert list(batch) == [each.pk for each in Execution.objects.order_by("created_at", "id")]
    assert (len(batch), batch[-1], batch[:2][0]) == (3, list(batch)[2], batch[0])


def test_its_executions_know_it_and_others_do_not(function: BackgroundFunction[..., Any]) -> None:
    first, second, alone = function.map([1, 2]), function.starmap([(1,)]), function.enqueue(1)
    assert (batches_of(first), batches_of(second)) == ({first.id}, {second.id})
    assert first.id != second.id
    assert batches_of([alone.pk]) == {None}


def test_a_batch_of_many_chunks_is_one(function: BackgroundFunction[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueue, "CHUNK", 2)
    batch = function.map(range(5))
    assert batches_of(batch) == {batch.id}
    assert batch.progress().total == 5


def test_amap_and_astarmap_return_batches_too(function: BackgroundFunction[..., Any]) -> None:
    async def numbers() -> AsyncIterator[int]:
        for number in range(3):
            yield number

    for batch in (
        async_to_sync(function.amap)([1, 2, 3]),
        async_to_sync(function.amap)(numbers()),
        async_to_sync(function.astarmap)([(1,), (2,), (3,)]),
    ):
        assert (batches_of(batch), len(batch)) == ({batch.id}, 3)


def test_progress_counts_the_executions_by_state(
    function: BackgroundFunction[..., Any], django_assert_num_queries: Any
) -> None:
    batch = function.map(range(4))
    function.map(range(2))
    succeed(batch[:1])
    fail(batch[1:2])
    start(batch[2:3])
    with django_assert_num_queries(1):
        progress = batch.progress()
    assert {state: count for state, count in progress.by_state.items() if count} == {
        State.SUCCEEDED: 1,
        State.FAILED: 1,
        State.STARTED: 1,
        State.CREATED: 1,
    }
    assert (progress.total, progress.ended, progress.is_complete) == (4, 2, False)
    assert async_to_sync(batch.aprogress)() == progress


def test_a_batch_of_nothing_is_complete(function: BackgroundFunction[..., Any]) -> None:
    batch = function.map([])
    assert (len(batch), batch.progress().is_complete) == (0, True)


def test_the_same_map_of_a_later_attempt_is_the_same_batch(function: BackgroundFunction[..., Any]) -> None:
    parent = make_execution("shop.defer.all")
    with running(attempt_of(parent)):
        first = [function.map([1, 2]), function.map([1, 2])]
    with running(attempt_of(parent, 2)):
        second = [function.map([1, 2]), function.map([1, 2])]
    assert [each.id for each in first] == [each.id for each in second]
    assert [list(each) for each in first] == [list(each) for each in second]
    assert first[0].id != first[1].id
    assert [batches_of(each) for each in first] == [{each.id} for each in first]


def test_a_map_that_broke_off_is_completed_by_the_next_attempt(
    function: BackgroundFunction[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue, "CHUNK", 2)
    parent = make_execution("shop.defer.all")
    with running(attempt_of(parent)), pytest.raises(ZeroDivisionError):
        function.map(number if number < 3 else 1 // 0 for number in range(5))
    assert Execution.objects.filter(parent=parent).count() == 2
    with running(attempt_of(parent, 2)):
        batch = function.map(range(5))
    assert batches_of(batch) == {batch.id}
    assert batch.progress().total == 5


def test_a_batch_that_is_rolled_back_leaves_nothing(function: BackgroundFunction[..., Any]) -> None:
    with transaction.atomic():
        function.map([1, 2]).then(function, 3)
        transaction.set_rollback(True)
    assert (Execution.objects.count(), BatchHook.objects.count()) == (0, 0)


def test_a_batch_takes_sixteen_bytes_an_id() -> None:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        batch = Batch(new_id(), (new_id() for _ in range(50_000)))
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(batch) == 50_000
    assert taken < 20 * 50_000


def test_memory_stays_flat_while_many_are_enqueued(
    function: BackgroundFunction[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue, "write", lambda executions: None)
    function.map(range(1_000))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        batch = function.map(range(20_000))
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert len(batch) == 20_000
    assert peak < 5_000_000


def test_a_batch_is_looked_at_by_its_index(function: BackgroundFunction[..., Any]) -> None:
    batch = function.map(range(20))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    found = Execution.objects.filter(batch=batch.id, state__in=witness.OPEN).order_by("-due_at")
    assert "deferapp_exec_batch" in found.explain()


def test_the_witness_is_the_open_execution_that_is_due_last(function: BackgroundFunction[..., Any]) -> None:
    batch = function.map(range(4))
    assert witness.find(batch.id) == batch[-1]
    succeed(batch[3:])
    start(batch[2:3])
    assert witness.find(batch.id) == batch[2]
    succeed(batch[:2])
    assert witness.find(batch.id) == batch[2]
    assert witness.ended([*batch, new_id()])[:-1] == [batch[0], batch[1], batch[3]]
    assert witness.find(new_id()) is None
