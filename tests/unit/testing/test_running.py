"""What is enqueued runs to its end, through what workers run, in a test's transaction and outside of any."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction

from deferapp import defer, signals
from deferapp.clock import now
from deferapp.exceptions import ExecutionFailed
from deferapp.executions import life
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution, Worker
from deferapp.testing import failing, run_enqueued, running
from tests.unit.testing import functions
from tests.unit.testing.functions import did

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[False, True], ids=["TestCase", "TransactionTestCase"])
def _database(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("transactional_db" if request.param else "db")


both = pytest.mark.usefixtures("_database")


@both
def test_what_is_enqueued_runs_and_its_result_is_in_the_ledger() -> None:
    execution = functions.add(1, second=2)
    assert [each.id for each in run_enqueued()] == [execution.id]
    assert (execution.result, execution.state) == (3, State.SUCCEEDED)
    assert Attempt.objects.get().worker.startswith("test ")


def test_what_has_ended_does_not_run_again() -> None:
    functions.add(1)
    run_enqueued()
    assert run_enqueued() == []
    assert did == [("add", 1, 0)]


@both
@pytest.mark.parametrize("name", ["greet_all", "greet_all_sync"])
def test_children_run_too_each_once_with_their_parent(name: str) -> None:
    User.objects.bulk_create([User(username=name) for name in ("ada", "bob", "cy")])
    parent = getattr(functions, name).enqueue()
    ran = run_enqueued()
    assert did == [("greet", "ada"), ("greet", "bob"), ("greet", "cy")]
    assert [each.parent_id for each in ran] == [None, parent.id, parent.id, parent.id]
    assert {each.state for each in ran} == {State.SUCCEEDED}


@both
def test_an_attempt_that_fails_is_retried_without_waiting_until_its_policy_ends() -> None:
    execution = functions.breaks()
    (ran,) = run_enqueued(may_fail=True)
    assert did == [("breaks", number) for number in range(1, 15)]
    assert (ran.id, ran.state, ran.reason) == (execution.id, State.FAILED, "ValueError: broken")
    attempts = list(Attempt.objects.order_by("number"))
    assert all(after.started_at >= before.retry_at for before, after in pairwise(attempts))


def test_an_execution_that_ends_as_failed_fails_the_test_with_its_traceback_when_all_have_ended() -> None:
    functions.breaks()
    functions.add(1)
    with pytest.raises(ExecutionFailed, match="ValueError: broken") as raised:
        run_enqueued()
    assert "in breaks" in raised.value.traceback
    assert ("add", 1, 0) in did


@both
def test_a_retry_that_succeeds_is_no_failure() -> None:
    execution = functions.add(1)
    with failing(functions.add, ConnectionError("reset"), times=2):
        run_enqueued()
    assert (execution.result, execution.attempt) == (1, 3)
    outcomes = execution.attempts.order_by("number").values_list("outcome", "error_message")
    assert list(outcomes) == [("failed", "reset"), ("failed", "reset"), ("succeeded", "")]


def test_delays_do_not_end_by_themselves() -> None:
    execution = functions.add.options(delay="1h")(1)
    assert run_enqueued() == []
    execution.refresh_from_db()
    assert execution.state == State.CREATED


def test_only_the_functions_that_are_named_run() -> None:
    User.objects.create(username="ada")
    functions.greet_all()
    assert len(run_enqueued(functions.greet_all)) == 1
    assert did == []
    assert len(run_enqueued()) == 1
    assert did == [("greet", "ada")]


def test_a_function_that_is_paused_is_held() -> None:
    functions.add(1)
    functions.add.pause()
    assert run_enqueued() == []
    functions.add.resume()
    assert len(run_enqueued()) == 1


def test_what_was_not_started_in_time_is_discarded() -> None:
    execution = functions.add.options(discard_after=0)(1)
    assert run_enqueued() == []
    execution.refresh_from_db()
    assert execution.state == State.DISCARDED


def test_an_argument_that_is_gone_discards_the_execution() -> None:
    user = User.objects.create(username="ada")
    functions.greet(user)
    User.objects.filter(pk=user.pk).delete()
    (ran,) = run_enqueued()
    assert ran.state == State.DISCARDED


def test_on_failure_runs_with_what_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    gives_up = defer(functions.breaks, on_failure=functions.told_of, retry=0)
    gives_up()
    assert len(run_enqueued(may_fail=True)) == 2
    assert did == [("breaks", 1), ("told_of", gives_up.name)]


def test_a_hook_of_a_batch_runs_when_the_batch_has_ended() -> None:
    functions.add.map([1, 2]).then(functions.add, 100)
    assert len(run_enqueued()) == 3
    assert did[-1] == ("add", 100, 0)


def test_more_than_a_limit_has_room_for_runs_all_the_same() -> None:
    functions.add.starmap((number, 7) for number in range(5))
    assert len(run_enqueued()) == 5


def test_what_has_no_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_ATTEMPTS", 5)
    functions.for_ever(0)
    with pytest.raises(AssertionError, match=r"functions\.for_ever has no end"):
        run_enqueued()


@pytest.mark.parametrize("name", ["violates", "violates_together", "violates_raw"])
@both
def test_a_statement_that_the_database_refuses_fails_its_attempt_alone(name: str) -> None:
    User.objects.create(username="ada")
    getattr(functions, name)()
    functions.add(1)
    ran = run_enqueued(may_fail=True)
    assert {each.function.rpartition(".")[2]: each.state for each in ran} == {
        name: State.FAILED,
        "add": State.SUCCEEDED,
    }
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["leaves_a_transaction_open", "leaves_a_transaction_open_together"])
@both
def test_a_body_that_leaves_a_transaction_open_harms_nobody(name: str) -> None:
    savepoints = len(connection.savepoint_ids)
    execution = getattr(functions, name).enqueue()
    run_enqueued()
    assert execution.result is None
    assert len(connection.savepoint_ids) == savepoints
    User.objects.create(username="ada")


@both
def test_what_waits_for_a_commit_is_called_when_the_body_has_ended() -> None:
    functions.hooks_a_commit()
    run_enqueued()
    assert did == ["in the transaction", "committed"]


def test_what_the_test_itself_lets_wait_for_a_commit_goes_on_waiting() -> None:
    transaction.on_commit(lambda: did.append("of the test"))
    functions.hooks_a_commit()
    run_enqueued()
    assert did == ["in the transaction", "committed"]


@both
def test_signals_are_sent() -> None:
    heard: list[str] = []

    def hear(sender: Any, execution: Execution, **_: Any) -> None:
        heard.append(execution.state)

    functions.add(1)
    with ExitStack() as stack:
        for signal in (signals.started, signals.succeeded):
            signal.connect(hear)
            stack.callback(signal.disconnect, hear)
        run_enqueued()
    assert heard == [State.STARTED, State.SUCCEEDED]


@both
def test_an_interrupt_of_the_test_is_not_taken_for_a_failure() -> None:
    execution = functions.is_interrupted.enqueue()
    with pytest.raises(KeyboardInterrupt):
        run_enqueued()
    assert not execution.attempts.exists()


@both
def test_an_error_of_the_ledger_is_raised_and_not_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise OperationalError("away")

    functions.add(1)
    monkeypatch.setattr(life, "settle", refuse)
    with pytest.raises(OperationalError, match="away"):
        run_enqueued()


@both
def test_no_worker_is_left_in_the_ledger_and_no_thread_beside_the_test() -> None:
    threads = threading.active_count()
    functions.add(1)
    functions.greet_all()
    run_enqueued()
    assert not Worker.objects.exists()
    assert threading.active_count() == threads


def test_limits_that_claims_set_for_their_transaction_do_not_stay_in_the_tests() -> None:
    if connection.vendor != "postgresql":
        assert connection.vendor
        return
    functions.add(1)
    run_enqueued()
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("0",)


def test_the_clock_is_put_back() -> None:
    functions.breaks()
    before = now()
    run_enqueued(may_fail=True)
    assert timedelta() <= now() - before < timedelta(seconds=30)
