"""What the options of a call make of its execution."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import RFC_4122, uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from deferapp import current_execution, defer
from deferapp.clock import now
from deferapp.dispatch import overdue
from deferapp.exceptions import OptionError
from deferapp.executions import enqueue
from deferapp.executions.collect import Collector
from deferapp.executions.current import CurrentExecution, running
from deferapp.executions.ids import keyed_id
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import Execution
from tests.unit.options.functions import declare, serve, sweep
from tests.unit.queue import MemoryQueue

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db


@contextmanager
def inside_an_execution() -> Iterator[CurrentExecution]:
    current = CurrentExecution(
        id=uuid4(),
        function="parent",
        attempt=1,
        parent_id=None,
        created_at=now(),
        collector=Collector(enqueue.write),
    )
    with running(current):
        yield current
        assert current.collector
        current.collector.flush()


def published(queue: MemoryQueue) -> list[Any]:
    return [each for message in queue.take() for each in message.ids]


def test_without_options_an_execution_is_due_at_once_and_published(
    queue: MemoryQueue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        execution = declare().enqueue("a")
    execution.refresh_from_db()
    assert execution.due_at == execution.created_at
    assert (execution.discard_at, execution.metadata, execution.limit_key) == (None, {}, None)
    assert published(queue) == [execution.id]


@pytest.mark.parametrize("delay", ["1h", 3600, HOUR, "PT1H"])
def test_a_delay_makes_it_due_later_and_publishes_nothing_before(
    queue: MemoryQueue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, delay: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        execution = declare().options(delay=delay).enqueue("a")
    execution.refresh_from_db()
    assert execution.due_at == execution.dispatch_at == execution.created_at + HOUR
    overdue.publish()
    assert published(queue) == []


def test_a_delayed_execution_is_published_when_it_is_due(queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = declare().options(delay=HOUR).enqueue("a")
    monkeypatch.setattr(overdue, "now", lambda: now() + HOUR)
    overdue.publish()
    assert published(queue) == [execution.id]


def test_a_delay_is_also_a_date() -> None:
    moment = now() + 3 * HOUR
    assert declare().options(delay=moment).enqueue("a").due_at == moment


@pytest.mark.parametrize("delay", [0, -5, -HOUR, "0s", now() - HOUR])
def test_a_delay_that_has_passed_is_none(
    queue: MemoryQueue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, delay: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        execution = declare().options(delay=delay).enqueue("a")
    assert execution.due_at == execution.created_at
    assert published(queue) == [execution.id]


def test_only_what_is_due_of_a_burst_is_published(
    queue: MemoryQueue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    function = declare()
    later = function.options(delay=HOUR)
    with django_capture_on_commit_callbacks(execute=True), inside_an_execution():
        executions = [each.enqueue("a") for each in (function, later, function, later)]
    assert published(queue) == [executions[0].id, executions[2].id]


def test_discard_after_is_counted_from_the_enqueue() -> None:
    execution = declare().options(discard_after="1h", delay="30 minutes").enqueue("a")
    execution.refresh_from_db()
    assert execution.discard_at == execution.created_at + HOUR
    assert execution.due_at == execution.created_at + HOUR / 2


def test_discard_after_is_also_a_date() -> None:
    moment = now() + HOUR
    assert declare().options(discard_after=moment).enqueue("a").discard_at == moment


def test_metadata_is_in_the_ledger() -> None:
    execution = declare().options(metadata={"tenant": "7"}).enqueue("a")
    execution.refresh_from_db()
    assert execution.metadata == {"tenant": "7"}


def test_the_limit_that_a_call_counts_under_is_in_the_ledger() -> None:
    function = declare(serve, concurrency=2, concurrency_key="user")
    keys = [function.enqueue("ann"), function.options(concurrency_key="bob").enqueue("ann")]
    assert [key.limit_key for key in keys] == [f"{function.name}:ann", f"{function.name}:bob"]


def test_options_hold_in_map_and_starmap_and_their_async_twins() -> None:
    function = declare().options(delay=HOUR, metadata={"a": "1"}, discard_after=2 * HOUR)
    ids = [
        *function.map(["a"]),
        *function.starmap([("a", 2)]),
        *async_to_sync(function.amap)(["a"]),
        *async_to_sync(function.astarmap)([("a", 2)]),
    ]
    executions = Execution.objects.filter(id__in=ids)
    assert len(executions) == 4
    for execution in executions:
        assert execution.due_at == execution.created_at + HOUR
        assert execution.discard_at == execution.created_at + 2 * HOUR
        assert execution.metadata == {"a": "1"}


def test_options_hold_in_calls_from_sync_and_async_code() -> None:
    function = declare().options(metadata={"a": "1"})

    async def call() -> Execution:
        return await function("a")

    executions = [function("a"), async_to_sync(function.aenqueue)("a"), async_to_sync(call)()]
    assert [execution.metadata for execution in executions] == [{"a": "1"}] * 3


def test_options_hold_when_a_scheduled_function_is_run_by_hand() -> None:
    scheduled = defer.cron(sweep, "0 8 * * 1").options(metadata={"by": "hand"})
    assert scheduled.run_now().metadata == {"by": "hand"}
    assert async_to_sync(scheduled.arun_now)().metadata == {"by": "hand"}


def test_options_are_not_those_of_the_declared_function() -> None:
    function = declare()
    function.options(metadata={"a": "1"}).enqueue("a")
    assert registry.get(function.name) is function
    assert function.enqueue("a").metadata == {}


def test_an_option_that_cannot_be_writes_nothing() -> None:
    function = declare(serve, concurrency=1, concurrency_key="user.id")
    with pytest.raises(OptionError):
        function.enqueue("no id")
    assert not Execution.objects.exists()


def test_a_second_call_with_a_key_returns_the_existing_execution_and_publishes_nothing(
    queue: MemoryQueue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    function = declare()
    with django_capture_on_commit_callbacks(execute=True):
        first = function.options(key="order 7").enqueue("a")
    assert published(queue) == [first.id]
    Execution.objects.filter(id=first.id).update(state=State.SUCCEEDED)
    with django_capture_on_commit_callbacks(execute=True):
        second = function.options(key="order 7", metadata={"a": "1"}).enqueue("b")
    assert published(queue) == []
    assert Execution.objects.get() == first == second
    assert (second.state, second.arguments_json, second.metadata) == (State.SUCCEEDED, first.arguments_json, {})


def test_a_key_is_of_its_function_alone_and_another_key_is_another_execution() -> None:
    note, serve_ = declare(), declare(serve)
    executions = [
        note.options(key="a").enqueue("x"),
        note.options(key="b").enqueue("x"),
        serve_.options(key="a").enqueue("x"),
        note.enqueue("x"),
    ]
    assert len({execution.id for execution in executions}) == Execution.objects.count() == 4


def test_a_key_is_free_again_when_its_execution_has_been_pruned() -> None:
    function = declare().options(key="a")
    first = function.enqueue("x")
    first.delete()
    assert function.enqueue("y").arguments_json != first.arguments_json


def test_a_key_holds_in_async_code() -> None:
    function = declare().options(key="a")
    assert async_to_sync(function.aenqueue)("x") == async_to_sync(function.aenqueue)("y") == function.enqueue("z")


def test_a_key_holds_inside_a_running_function_and_its_first_caller_is_the_parent() -> None:
    function = declare()
    with inside_an_execution() as parent:
        function.enqueue("in a burst")
        first = function.options(key="a").enqueue("x")
        assert Execution.objects.filter(id=first.id).exists()
        assert function.options(key="a").enqueue("y") == first
        assert async_to_sync(function.options(key="a").aenqueue)("y") == first
    with inside_an_execution():
        again = function.options(key="a").enqueue("x")
    assert (again.id, again.parent_id) == (first.id, parent.id)
    assert current_execution() is None


def test_a_key_in_a_transaction_that_is_rolled_back_is_free_again() -> None:
    function = declare().options(key="a")
    with transaction.atomic():
        function.enqueue("x")
        transaction.set_rollback(True)
    assert not Execution.objects.exists()
    function.enqueue("y")
    assert Execution.objects.count() == 1


def test_a_keyed_execution_with_a_delay_is_published_when_it_is_due(
    queue: MemoryQueue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        execution = declare().options(key="a", delay=HOUR).enqueue("a")
    assert execution.dispatch_at == execution.due_at
    assert published(queue) == []


@pytest.mark.parametrize("name", ["map", "starmap"])
def test_a_map_refuses_a_key_which_would_make_one_execution_of_many(name: str) -> None:
    function = declare().options(key="a")
    with pytest.raises(OptionError, match="key= names one execution"):
        getattr(function, name)([("a",), ("b",)])
    with pytest.raises(OptionError, match="key= names one execution"):
        async_to_sync(getattr(function, f"a{name}"))([("a",), ("b",)])


def test_the_id_of_a_key_is_a_uuid_of_version_8_that_follows_from_function_and_key() -> None:
    assert keyed_id("f", "a") == keyed_id("f", "a")
    assert len({keyed_id("f", "a"), keyed_id("f", "b"), keyed_id("g", "a"), keyed_id("f", "\ud800")}) == 4
    assert (keyed_id("f", "a").version, keyed_id("f", "a").variant) == (8, RFC_4122)
