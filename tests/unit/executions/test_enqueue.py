"""Enqueueing: rows, parents, and calls that write nothing."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from deferapp import conf, defer
from deferapp.clock import now
from deferapp.exceptions import ArgumentError
from deferapp.executions import enqueue
from deferapp.executions.current import CurrentExecution, running
from deferapp.executions.ids import Ids, new_id
from deferapp.executions.states import State
from deferapp.executions.values import decode_call
from deferapp.models import Execution
from deferapp.schedules import TICK
from tests.unit.queue import MemoryQueue

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_registry", "queue")]


def add(first: int, second: int = 0) -> int:
    return first + second


async def aadd(first: int, second: int = 0) -> int:
    return first + second


def nightly() -> None: ...


def arguments_of(execution: Execution) -> tuple[Any, Any]:
    return decode_call(Execution.objects.get(pk=execution.pk).arguments_json)


def attempt_of(parent: Execution, attempt: int = 1) -> CurrentExecution:
    return CurrentExecution(
        id=parent.pk, function=parent.function, attempt=attempt, parent_id=None, created_at=parent.created_at
    )


class Unstorable:
    pass


@pytest.mark.parametrize("plain", [add, aadd])
def test_a_call_in_sync_code_returns_the_execution_which_is_in_the_ledger(plain: Callable[..., Any]) -> None:
    before = now()
    execution = defer(plain)(1, second=2)
    row = Execution.objects.get()
    assert row == execution
    assert (row.function, row.state, row.attempt) == (f"{__name__}.{plain.__name__}", State.CREATED, 0)
    assert before <= row.created_at == row.due_at <= now()
    assert row.dispatch_at == row.due_at + conf.republish_after()
    assert (row.parent_id, row.claim, row.started_at, row.ended_at) == (None, None, None, None)


def test_the_arguments_arrive_as_they_were_given() -> None:
    assert arguments_of(defer(add)(1, second=2)) == ([1], {"second": 2})
    assert arguments_of(defer(add).enqueue(second=2, first=1)) == ([], {"first": 1, "second": 2})


@pytest.mark.parametrize("plain", [add, aadd])
def test_a_call_in_async_code_is_awaited(plain: Callable[..., Any]) -> None:
    function = defer(plain)

    async def calls() -> list[Execution]:
        return [await function(1), await function.aenqueue(2)]

    assert sorted(each.pk for each in async_to_sync(calls)()) == sorted(Execution.objects.values_list("pk", flat=True))


def test_executions_are_ordered_as_they_were_enqueued() -> None:
    function = defer(add)
    executions = [function(number) for number in range(20)]
    assert list(Execution.objects.order_by("created_at")) == executions
    assert sorted(execution.pk for execution in executions) == [execution.pk for execution in executions]


@pytest.mark.parametrize(
    "call",
    [
        lambda f: f(),
        lambda f: f(1, 2, 3),
        lambda f: f(1, third=3),
        lambda f: f(1, first=1),
        lambda f: f.starmap([(1,), ()]),
    ],
)
def test_a_wrong_signature_is_a_type_error_and_writes_nothing(call: Callable[[Any], Any], queue: MemoryQueue) -> None:
    with pytest.raises(TypeError):
        call(defer(add))
    assert not Execution.objects.exists()
    assert queue.take() == []


def test_an_argument_that_cannot_travel_is_named_and_nothing_is_written() -> None:
    with pytest.raises(ArgumentError, match="second"):
        defer(add)(1, second={"deep": Unstorable()})
    assert not Execution.objects.exists()


def test_an_argument_that_cannot_travel_is_refused_where_it_is_awaited() -> None:
    with pytest.raises(ArgumentError, match="first"):
        async_to_sync(defer(aadd).aenqueue)(Unstorable())
    assert not Execution.objects.exists()


def test_a_function_of_a_schedule_is_run_now_from_sync_and_async_code() -> None:
    function = defer.cron(nightly, "0 3 * * *")
    executions = [function.run_now(), async_to_sync(function.arun_now)()]
    assert list(Execution.objects.order_by("created_at")) == executions
    assert {execution.function for execution in executions} == {f"{__name__}.nightly"}


def test_a_call_inside_an_execution_records_its_parent() -> None:
    function = defer(add)
    parent = function(0)
    with running(attempt_of(parent)):
        child = function(1)
    assert list(parent.children.all()) == [child]


def test_the_next_attempt_enqueues_only_the_children_that_are_missing() -> None:
    function = defer(add)
    parent = function(0)
    with running(attempt_of(parent)):
        first = [function(number) for number in (1, 2, 2)]
    Execution.objects.filter(pk=first[0].pk).update(state=State.SUCCEEDED)
    with running(attempt_of(parent, 2)):
        second = [function(number) for number in (1, 2, 2, 3)]
    assert [child.pk for child in second[:3]] == [child.pk for child in first]
    assert parent.children.count() == 4
    assert parent.children.get(pk=first[0].pk).state == State.SUCCEEDED


def test_equal_calls_are_as_many_children_as_there_are_calls() -> None:
    function = defer(add)
    parent = function(0)
    with running(attempt_of(parent)):
        function(1)
        function(first=1, second=0)
        function.map([1, 1])
        async_to_sync(function.amap)([1])
    assert parent.children.count() == 5


def test_the_children_of_async_code_are_the_same_as_those_of_sync_code() -> None:
    function = defer(aadd)
    parent = function(0)

    async def fan_out() -> None:
        await function(1)
        await function.amap([2, 3])

    with running(attempt_of(parent)):
        async_to_sync(fan_out)()
    with running(attempt_of(parent, 2)):
        function(1)
        function.map([2, 3])
    assert parent.children.count() == 3


def test_map_gives_each_value_an_execution_and_returns_their_ids_in_order() -> None:
    ids = defer(add).map([3, 1, 2])
    assert isinstance(ids, Ids)
    assert [arguments_of(Execution.objects.get(pk=each)) for each in ids] == [
        arguments_of(defer(add)(number)) for number in (3, 1, 2)
    ]


def test_starmap_gives_each_tuple_an_execution() -> None:
    ids = defer(add).starmap([(1,), [2, 3]])
    assert [arguments_of(Execution.objects.get(pk=each)) for each in ids] == [
        arguments_of(defer(add)(1)),
        arguments_of(defer(add)(2, 3)),
    ]


def test_nothing_is_mapped_to_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert list(defer(add).map(iter([]))) == []
    assert len(queries) == 0


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def pairs(count: int) -> AsyncIterator[tuple[int, int]]:
    async for number in numbers(count):
        yield number, number


@pytest.mark.parametrize("values", [lambda: range(3), lambda: (number for number in range(3)), lambda: numbers(3)])
def test_amap_takes_whatever_can_be_iterated_also_asynchronously(values: Callable[[], Any]) -> None:
    ids = async_to_sync(defer(aadd).amap)(values())
    assert [arguments_of(Execution.objects.get(pk=each)) for each in ids] == [
        arguments_of(defer(add)(number)) for number in range(3)
    ]


@pytest.mark.parametrize("calls", [lambda: [(0, 0), (1, 1)], lambda: pairs(2)])
def test_astarmap_takes_whatever_can_be_iterated_also_asynchronously(calls: Callable[[], Any]) -> None:
    ids = async_to_sync(defer(aadd).astarmap)(calls())
    assert [arguments_of(Execution.objects.get(pk=each)) for each in ids] == [
        arguments_of(defer(add)(number, number)) for number in range(2)
    ]


def watched(count: int, seen: list[int]) -> Iterator[int]:
    """Numbers, and how many rows there were when each was taken."""
    for number in range(count):
        seen.append(Execution.objects.count())
        yield number


def test_map_streams_writing_a_batch_before_it_takes_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueue, "CHUNK", 4)
    seen: list[int] = []
    assert len(defer(add).map(watched(10, seen))) == 10
    assert seen == [0] * 4 + [4] * 4 + [8] * 2


def test_amap_streams_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueue, "CHUNK", 4)
    taken: list[int] = []
    written: list[int] = []

    async def values() -> AsyncIterator[int]:
        for number in range(10):
            taken.append(number)
            written.append(await Execution.objects.acount())
            yield number

    assert len(async_to_sync(defer(aadd).amap)(values())) == 10
    assert written == [0] * 4 + [4] * 4 + [8] * 2


def test_a_batch_is_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueue, "CHUNK", 10)
    with CaptureQueriesContext(connection) as queries:
        defer(add).map(range(30))
    assert len([query for query in queries if query["sql"].startswith("INSERT")]) == 3


def test_a_value_that_is_refused_leaves_whole_batches_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueue, "CHUNK", 2)
    with pytest.raises(ArgumentError):
        defer(add).map([1, 2, 3, Unstorable()])
    assert Execution.objects.count() == 2


def test_a_value_that_is_refused_inside_a_transaction_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueue, "CHUNK", 2)
    with pytest.raises(ArgumentError), transaction.atomic():
        defer(add).map([1, 2, 3, Unstorable()])
    assert not Execution.objects.exists()


def test_an_endless_iterator_can_be_stopped_by_what_it_raises() -> None:
    def values() -> Iterator[int]:
        yield from itertools.islice(itertools.count(), 3)
        raise LookupError("no more")

    with pytest.raises(LookupError):
        defer(add).map(values())
    assert not Execution.objects.exists()


def test_a_parent_that_is_gone_reads_as_none() -> None:
    function = defer(add)
    with running(attempt_of(Execution(id=new_id(), function=TICK, created_at=now()))):
        child = function(1)
    assert Execution.objects.filter(pk=child.pk, parent__isnull=False).count() == 1
