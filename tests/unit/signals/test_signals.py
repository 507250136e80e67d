"""Signals: which are sent, with what, when, and at what cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.dispatch import Signal
from django.test.utils import CaptureQueriesContext

from deferapp import defer, signals
from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.current import CurrentExecution, running
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import State
from deferapp.functions.function import BackgroundFunction
from deferapp.models import Alert, Execution, Schedule
from deferapp.schedules.tick import tick
from tests.unit.parallel import at_once
from tests.unit.queue import MemoryQueue
from tests.unit.retry.running import run_attempt
from tests.unit.rows import MINUTE, SECOND
from tests.unit.signals.conftest import NAMES, Ear

pytestmark = pytest.mark.django_db(transaction=True)

Function = BackgroundFunction[..., Any]
Connect = Callable[[Signal, Callable[..., Any]], None]


def compute(number: int) -> int:
    if number < 0:
        raise ValueError("negative")
    return number


async def compute_async(number: int) -> int:
    return compute(number)


def sweep() -> None: ...


@pytest.fixture
def function() -> Function:
    return defer(compute, retry=1)


def held(function: Function, execution: Execution) -> Execution:
    (claimed,) = life.claim(function, [execution.pk], claim=uuid4(), worker_id=1, most=1)
    return claimed


def test_every_signal_has_its_test_and_its_words() -> None:
    assert {name for name, value in vars(signals).items() if isinstance(value, Signal)} == set(NAMES)


@pytest.mark.parametrize("plain", [compute, compute_async])
def test_an_execution_that_succeeds_is_told_from_its_enqueue_to_its_end(ear: Ear, plain: Any) -> None:
    function = defer(plain)
    execution = function.enqueue(7)
    run_attempt(function, execution)
    assert ear.names == ["enqueued", "started", "succeeded"]
    assert [each.id for _, each in ear.sent] == [execution.id] * 3
    assert [each.state for _, each in ear.sent] == [State.CREATED, State.STARTED, State.SUCCEEDED]
    assert [each.attempt for _, each in ear.sent] == [0, 1, 1]
    assert ear.of("succeeded")[0].result_json == "7"
    assert ear.senders == {Execution}


def test_an_execution_that_fails_is_told_with_the_reason_and_the_next_attempt(ear: Ear, function: Function) -> None:
    execution = function.enqueue(-1)
    run_attempt(function, execution)
    (retried,) = ear.of("retried")
    assert (retried.state, retried.reason, retried.error_code) == (State.CREATED, "ValueError: negative", "ER0003")
    assert retried.due_at == execution.attempts.get().retry_at
    run_attempt(function, execution)
    (failed,) = ear.of("failed")
    assert (failed.state, failed.reason, failed.attempt) == (State.FAILED, "ValueError: negative", 2)
    assert ear.names == ["enqueued", "started", "retried", "started", "failed"]


def test_a_failed_execution_that_is_let_run_again_is_told_as_retried(ear: Ear) -> None:
    function = defer(compute, retry=0)
    execution = function.enqueue(-1)
    run_attempt(function, execution)
    life.retry(execution.id)
    assert ear.names == ["enqueued", "started", "failed", "retried"]
    assert ear.of("retried") == [execution]


def test_what_is_told_is_what_the_ledger_says(ear: Ear, function: Function) -> None:
    execution = function.enqueue(-1)
    for _ in range(2):
        recorded = run_attempt(function, execution)
        told = ear.sent[-1][1]
        columns = [field.attname for field in Execution._meta.concrete_fields]
        # Of a due moment that is over, nothing follows: run_attempt brings it forward.
        assert {name: getattr(told, name) for name in columns} == {name: getattr(recorded, name) for name in columns}


def test_a_cancelled_execution_is_told_once(ear: Ear, function: Function) -> None:
    execution = function.enqueue(1)
    assert life.cancel(execution.id) == 1
    assert life.cancel(execution.id) == 0
    (cancelled,) = ear.of("cancelled")
    assert (cancelled, cancelled.state) == (execution, State.CANCELLED)


def test_an_execution_that_is_cancelled_by_several_at_once_is_told_once(ear: Ear, function: Function) -> None:
    execution = function.enqueue(1)
    assert sorted(at_once(*[lambda: life.cancel(execution.id)] * 3)) == [0, 0, 1]
    assert ear.names == ["enqueued", "cancelled"]


def test_an_aborted_execution_is_told_as_cancelled(ear: Ear, function: Function) -> None:
    execution = held(function, function.enqueue(1))
    life.abort(execution.id)
    life.settle([Ending(execution=execution, started_at=now(), ended_at=now(), failure=failure.ABORTED)], worker="w")
    (cancelled,) = ear.of("cancelled")
    assert (cancelled, cancelled.state) == (execution, State.ABORTED)
    assert ear.of("failed") == []


def test_an_execution_that_is_aborted_before_its_body_begins_is_told_as_cancelled(ear: Ear, function: Function) -> None:
    execution = held(function, function.enqueue(1))
    life.abort(execution.id)
    life.give_back([execution])
    assert [each.state for each in ear.of("cancelled")] == [State.ABORTED]


def test_executions_that_a_limit_has_no_room_for_are_told_as_cancelled(ear: Ear) -> None:
    function = defer(compute, concurrency=1, max_concurrency_action="cancel")
    first, second, third = [function.enqueue(number) for number in range(3)]
    life.claim(function, [first.id, second.id, third.id], claim=uuid4(), worker_id=1, most=3)
    assert ear.of("started") == [first]
    assert {each.id for each in ear.of("cancelled")} == {second.id, third.id}


def test_a_discarded_execution_is_told_with_the_reason(ear: Ear, function: Function) -> None:
    execution = held(function, function.enqueue(1))
    life.discard(execution, "User 7 has been deleted")
    (discarded,) = ear.of("discarded")
    assert (discarded, discarded.state) == (execution, State.DISCARDED)
    assert discarded.reason == "User 7 has been deleted"


def test_what_is_given_back_is_told_when_it_is_started_again(ear: Ear, function: Function) -> None:
    execution = function.enqueue(1)
    life.give_back([held(function, execution)])
    held(function, execution)
    assert ear.names == ["enqueued", "started", "started"]
    assert [each.attempt for each in ear.of("started")] == [1, 1]


def test_nothing_is_told_of_a_claim_that_comes_too_late(ear: Ear, function: Function) -> None:
    execution = function.enqueue(1)
    lost = held(function, execution)
    life.give_back([lost])
    assert life.settle([Ending(execution=lost, started_at=now(), ended_at=now())], worker="late") == 0
    assert life.claim(function, [execution.id], claim=uuid4(), worker_id=1, most=1) == [execution]
    assert life.claim(function, [execution.id], claim=uuid4(), worker_id=2, most=1) == []
    assert ear.names == ["enqueued", "started", "started"]


def test_the_executions_of_a_map_are_told_one_by_one(ear: Ear, function: Function) -> None:
    ids = function.map(range(5))
    assert [each.id for each in ear.of("enqueued")] == list(ids)


def test_a_child_that_its_parent_enqueued_before_is_not_told_again(ear: Ear, function: Function) -> None:
    parent = function.enqueue(1)
    for number in (1, 2):
        with running(
            CurrentExecution(
                id=parent.id, function=parent.function, attempt=number, parent_id=None, created_at=parent.created_at
            )
        ):
            function.map([10, 20][:number])
    assert len(ear.of("enqueued")) == 3


def test_an_execution_with_a_key_is_told_once(ear: Ear, function: Function) -> None:
    once = function.options(key="monday")
    assert once.enqueue(1) == once.enqueue(1)
    assert ear.names == ["enqueued"]


def test_an_enqueue_in_async_code_is_told(ear: Ear, function: Function) -> None:
    execution = async_to_sync(function.aenqueue)(1)
    assert ear.of("enqueued") == [execution]


def test_a_receiver_may_be_async(connect: Connect, function: Function) -> None:
    heard = []

    async def receive(execution: Execution, **_named: Any) -> None:
        heard.append((execution, await Execution.objects.acount()))

    connect(signals.enqueued, receive)
    execution = async_to_sync(function.aenqueue)(1)
    assert heard == [(execution, 1)]


def test_a_handler_of_failures_is_told_as_enqueued(ear: Ear, function: Function) -> None:
    failing = defer(sweep, retry=0, on_failure=function)
    life.settle(
        [Ending(execution=held(failing, failing.enqueue()), started_at=now(), ended_at=now(), failure=failure.LOST)],
        worker="w",
    )
    assert sorted(ear.names[2:]) == ["enqueued", "failed"]
    assert ear.of("enqueued")[-1].function == function.name


def make_schedule(due: datetime, catch_up: str) -> Schedule:
    return Schedule.objects.create(
        function="shop.defer.sweep",
        declared_frequency="* * * * *",
        frequency="* * * * *",
        catch_up=catch_up,
        next_due_at=due,
    )


def test_due_moments_that_were_missed_are_told_with_their_schedule(ear: Ear, connect: Connect) -> None:
    latest = now().replace(second=0, microsecond=0)
    due = latest - 3 * MINUTE
    schedule = make_schedule(due, "latest")
    schedules = []
    connect(signals.missed, lambda schedule, **_named: schedules.append(schedule))
    tick(latest + SECOND)
    assert ear.of("missed") == [due, due + MINUTE, due + 2 * MINUTE]
    assert schedules == [schedule] * 3
    assert [each.due_at for each in ear.of("enqueued")] == [latest]
    assert ear.senders == {Schedule, Execution, Alert}  # which tells of them too


def test_nothing_is_told_before_the_commit(ear: Ear, function: Function) -> None:
    with transaction.atomic():
        execution = function.enqueue(1)
        life.cancel(function.enqueue(2).id)
        assert ear.sent == []
    assert ear.names == ["enqueued", "enqueued", "cancelled"]
    assert ear.sent[0][1] == execution


def test_nothing_is_told_of_what_is_rolled_back(ear: Ear, function: Function) -> None:
    execution = held(function, function.enqueue(1))
    del ear.sent[:]
    with transaction.atomic():
        function.enqueue(2)
        function.map(range(3))
        function.options(key="x").enqueue(3)
        life.settle([Ending(execution=execution, started_at=now(), ended_at=now())], worker="w")
        transaction.set_rollback(True)
    assert ear.sent == []


def test_nothing_is_told_of_a_savepoint_that_is_rolled_back(ear: Ear, function: Function) -> None:
    with transaction.atomic():
        kept = function.enqueue(1)
        with transaction.atomic():
            function.enqueue(2)
            transaction.set_rollback(True)
    assert ear.sent == [("enqueued", kept)]


def test_a_receiver_sees_what_is_committed(connect: Connect, function: Function) -> None:
    seen = []

    def receive(execution: Execution, **_named: Any) -> None:
        seen.append((connection.in_atomic_block, Execution.objects.get(pk=execution.pk).state))

    for signal in (signals.enqueued, signals.succeeded):
        connect(signal, receive)
    run_attempt(function, function.enqueue(1))
    assert seen == [(False, State.CREATED), (False, State.SUCCEEDED)]


def test_a_receiver_that_raises_is_told_in_the_log_and_keeps_nobody_from_going_on(
    connect: Connect, ear: Ear, function: Function, caplog: pytest.LogCaptureFixture
) -> None:
    def raise_error(**_named: Any) -> None:
        raise RuntimeError("the receiver is broken")

    for name in NAMES:
        connect(getattr(signals, name), raise_error)
    run_attempt(function, function.enqueue(1))
    assert ear.names == ["enqueued", "started", "succeeded"]
    assert caplog.text.count("RuntimeError: the receiver is broken") == 3


def test_executions_that_cannot_be_read_any_more_are_told_in_the_log(
    ear: Ear, function: Function, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settled_as_unreadable(_settled: object) -> list[Execution]:
        raise OSError("gone")

    execution = held(function, function.enqueue(1))
    monkeypatch.setattr(life._Settled, "executions", settled_as_unreadable)
    assert life.settle([Ending(execution=execution, started_at=now(), ended_at=now())], worker="w") == 1
    assert "could not be told" in caplog.text


def verbs(call: Callable[[], object]) -> list[str]:
    """The first words of the statements that a call sends, but for those about transactions."""
    with CaptureQueriesContext(connection) as queries:
        call()
    words = [query["sql"].split()[0] for query in queries]
    return [word for word in words if word in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")]


def test_nothing_more_is_asked_of_the_database_when_nobody_listens(function: Function, queue: MemoryQueue) -> None:
    assert verbs(lambda: function.enqueue(1)) == ["INSERT"]
    assert verbs(lambda: function.map(range(3))) == ["INSERT"]
    execution = function.enqueue(2)
    lock = ["SELECT"] if connection.features.has_select_for_update else ["UPDATE", "SELECT"]
    assert verbs(lambda: life.cancel(execution.id)) == [*lock, "UPDATE", "INSERT"]
    discarded, succeeding = [held(function, function.enqueue(number)) for number in (3, 4)]
    assert verbs(lambda: life.discard(discarded, "gone")) == [*lock, "UPDATE", "INSERT"]
    ending = Ending(execution=succeeding, started_at=now(), ended_at=now())
    one_write = ["WITH"] if connection.vendor == "postgresql" else ["UPDATE", "INSERT", "INSERT"]
    assert verbs(lambda: life.settle([ending], worker="w")) == one_write


def test_those_who_listen_to_others_cost_nothing(connect: Connect, function: Function, queue: MemoryQueue) -> None:
    connect(signals.missed, print)
    assert verbs(lambda: function.enqueue(1)) == ["INSERT"]
