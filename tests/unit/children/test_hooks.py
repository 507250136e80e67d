"""What runs when a batch has ended: enqueued once, whoever notices and however often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError

from deferapp import defer
from deferapp.clock import now
from deferapp.exceptions import ArgumentError, ExecutionNotFound, OptionError
from deferapp.executions import life
from deferapp.executions.batches import hooks, witness
from deferapp.executions.current import running
from deferapp.executions.states import State
from deferapp.executions.values import decode_call
from deferapp.functions.function import BackgroundFunction
from deferapp.models import BatchHook, Execution
from tests.unit.children.ends import attempt_of, fail, start, succeed
from tests.unit.queue import MemoryQueue
from tests.unit.rows import make_execution

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_registry", "queue")]

Function = BackgroundFunction[..., Any]
REPORT = f"{__name__}.report"


def mail(number: int) -> None: ...


def report(title: str, *, copies: int = 1) -> None: ...


def nightly() -> None: ...


@pytest.fixture
def function(empty_registry: None) -> Function:
    return defer(mail)


@pytest.fixture
def hook(empty_registry: None) -> Function:
    return defer(report)


def reports() -> list[Execution]:
    return list(Execution.objects.filter(function=REPORT))


def test_it_is_enqueued_with_its_arguments_when_the_last_has_ended(
    function: Function, hook: Function, queue: MemoryQueue
) -> None:
    batch = function.map(range(3))
    id = batch.then(hook, "week 7", copies=2)
    succeed(batch[2:])
    fail(batch[:1])
    assert hooks.fire() == 0
    start(batch[1:2])
    assert (hooks.fire(), reports()) == (0, [])
    life.abort(batch[1])
    assert hooks.fire() == 0
    life.give_back(list(Execution.objects.filter(state=State.ABORTING)))
    queue.take()
    before = now()
    assert hooks.fire() == 1
    (execution,) = reports()
    assert (execution.pk, execution.state, execution.parent_id, execution.batch) == (id, State.CREATED, None, None)
    assert before <= execution.created_at == execution.due_at <= now()
    assert decode_call(execution.arguments_json) == (["week 7"], {"copies": 2})
    assert [(each.task, each.ids) for each in queue.take()] == [(REPORT, [id])]
    assert (BatchHook.objects.count(), hooks.fire()) == (0, 0)


def test_an_execution_that_waits_for_its_retry_holds_it_back(function: Function, hook: Function) -> None:
    batch = function.map([1])
    batch.then(hook, "")
    fail(batch, retry_in=timedelta(minutes=1))
    assert (hooks.fire(), reports()) == (0, [])


def test_it_is_enqueued_at_once_if_all_had_ended_before(function: Function, hook: Function) -> None:
    batch = function.map(range(3))
    succeed(batch)
    id = batch.then(hook, "")
    assert [each.pk for each in reports()] == [id]
    assert BatchHook.objects.count() == 0


def test_it_is_enqueued_at_once_if_there_is_nothing_to_wait_for(function: Function, hook: Function) -> None:
    function.map([]).then(hook, "")
    assert len(reports()) == 1


def test_the_same_call_again_is_the_same_hook(function: Function, hook: Function) -> None:
    batch = function.map([1])
    ids = {batch.then(hook, "a"), batch.then(hook, "a")}
    succeed(batch)
    assert hooks.fire() == 1
    ids.add(batch.then(hook, "a"))
    assert [each.pk for each in reports()] == list(ids)


def test_another_call_is_another_hook(function: Function, hook: Function) -> None:
    batch = function.map([1])
    ids = {batch.then(hook, "a"), batch.then(hook, "b"), function.map([1]).then(hook, "a")}
    succeed(Execution.objects.values_list("pk", flat=True))
    assert hooks.fire() == 3
    assert {each.pk for each in reports()} == ids


def test_in_a_running_function_it_is_one_over_all_attempts_and_its_child(function: Function, hook: Function) -> None:
    parent = make_execution("shop.defer.all")
    with running(attempt_of(parent)):
        batch = function.map([1, 2])
        batch.then(hook, "")
    succeed(batch)
    assert hooks.fire() == 1
    with running(attempt_of(parent, 2)):
        function.map([1, 2]).then(hook, "")
    assert hooks.fire() == 0
    assert [each.parent_id for each in reports()] == [parent.pk]


def test_children_that_are_let_run_again_do_not_bring_it_again(function: Function, hook: Function) -> None:
    parent = make_execution("shop.defer.all")
    with running(attempt_of(parent)):
        batch = function.map([1, 2])
        batch.then(hook, "")
    fail(batch)
    assert (hooks.fire(), parent.retry_failed_children()) == (1, 2)
    succeed(batch)
    assert (hooks.fire(), len(reports())) == (0, 1)


def test_children_that_are_cancelled_have_ended(function: Function, hook: Function) -> None:
    parent = make_execution("shop.defer.all")
    with running(attempt_of(parent)):
        batch = function.map([1, 2])
        batch.then(hook, "")
    assert (parent.cancel_children(), hooks.fire()) == (2, 1)


def test_from_async_code_it_is_the_same(function: Function, hook: Function) -> None:
    batch = function.map([1])
    assert async_to_sync(batch.athen)(hook, "a", copies=2) == batch.then(hook, "a", copies=2)
    assert BatchHook.objects.count() == 1


def test_metadata_and_concurrency_key_of_its_options_apply(function: Function, hook: Function) -> None:
    limited = defer(report, concurrency=1, concurrency_key="title")
    function.map([]).then(limited.options(metadata={"week": "7"}), "a")
    direct = limited.options(metadata={"week": "7"}).enqueue("a")
    first, second = reports()
    assert first.metadata == second.metadata == {"week": "7"}
    assert first.limit_key == second.limit_key == direct.limit_key is not None


@pytest.mark.parametrize("options", [{"delay": "1h"}, {"discard_after": "1h"}, {"key": "a"}])
def test_options_about_its_time_and_identity_are_refused(
    function: Function, hook: Function, options: dict[str, Any]
) -> None:
    with pytest.raises(OptionError, match=r"report starts when the batch has ended"):
        function.map([1]).then(hook.options(**options), "")
    assert BatchHook.objects.count() == 0


@pytest.mark.parametrize("make", [lambda: report, lambda: defer.cron(nightly, "0 8 * * 1"), lambda: None])
def test_only_a_background_function_is_taken(function: Function, make: Callable[[], Any]) -> None:
    with pytest.raises(ArgumentError, match=r"^then\(\) takes a background function"):
        function.map([1]).then(make())


def test_a_wrong_call_of_it_is_refused_when_it_is_named(function: Function, hook: Function) -> None:
    batch = function.map([1])
    with pytest.raises(TypeError):
        batch.then(hook)
    with pytest.raises(ArgumentError, match=r"report\(\) cannot take title"):
        batch.then(hook, {1})
    assert BatchHook.objects.count() == 0


def test_a_batch_that_is_not_in_the_ledger_is_refused(function: Function, hook: Function) -> None:
    batch = function.map([1])
    Execution.objects.all().delete()
    with pytest.raises(ExecutionNotFound, match=r"^<Batch .*> is not in the ledger"):
        batch.then(hook, "")


def test_a_function_that_has_left_the_code_is_enqueued_all_the_same(
    function: Function, hook: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = function.map([1])
    batch.then(hook, "")
    succeed(batch)
    monkeypatch.setattr("deferapp.functions.registry._functions", {})
    assert (hooks.fire(), len(reports())) == (1, 1)


def test_a_witness_that_has_been_pruned_is_replaced(function: Function, hook: Function) -> None:
    batch = function.map(range(3))
    batch.then(hook, "")
    Execution.objects.filter(pk=batch[-1]).delete()
    assert hooks.fire() == 0
    assert BatchHook.objects.get().witness == batch[1]


def test_looking_at_hooks_that_wait_is_one_query(
    function: Function, hook: Function, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        function.map(range(3)).then(hook, "")
    with django_assert_num_queries(1):
        hooks.fire()


def test_a_worker_looks_at_the_hooks_of_its_batches_only(function: Function, hook: Function) -> None:
    first, second = function.map([1]), function.map([1])
    ids = [each.then(hook, "") for each in (first, second)]
    succeed([*first, *second])
    hooks.fire_soon([])
    assert reports() == []
    hooks.fire_soon([first.id])
    assert [each.pk for each in reports()] == ids[:1]


def test_what_a_worker_cannot_look_at_is_left_to_housekeeping(
    function: Function, hook: Function, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_args: object) -> None:
        raise DatabaseError("away")

    batch = function.map([1])
    batch.then(hook, "")
    succeed(batch)
    with monkeypatch.context() as patch:
        patch.setattr(witness, "find", away)
        hooks.fire_soon([batch.id])
    assert "left to housekeeping" in caplog.text
    assert hooks.fire() == 1
