"""The function that is handed failed executions: once each, with the end of the execution."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from deferapp import current_execution, defer
from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.endings import failure, on_failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.endings.failure import Failure
from deferapp.executions.states import State
from deferapp.executions.values import decode_call
from deferapp.functions import registry
from deferapp.functions.function import BackgroundFunction
from deferapp.models import Attempt, Execution
from deferapp.workers.recover import recover
from tests.unit.parallel import at_once
from tests.unit.retry.running import run_attempt
from tests.unit.rows import MINUTE, make_worker

Function = BackgroundFunction[..., Any]


def compute(number: int) -> int:
    if number < 0:
        raise ValueError("negative")
    return number


def call_for_help(handler: str) -> None:
    registry.get(handler).enqueue(Execution.objects.get(pk=current_execution().id))
    raise ValueError("and then it failed")


def tell(execution: Execution) -> str:
    return f"{execution.state} {execution.reason}"


@pytest.fixture
def handler() -> Function:
    return defer(tell, retry=0)


@pytest.fixture
def function(handler: Function) -> Function:
    return defer(compute, retry=1, on_failure=handler)


def held(function: Function, execution: Execution) -> Execution:
    Execution.objects.filter(pk=execution.pk).update(due_at=now())
    (claimed,) = life.claim(function, [execution.pk], claim=uuid4(), worker_id=1, most=1)
    return claimed


def failing(execution: Execution, why: Failure = failure.LOST, **fields: Any) -> Ending:
    return Ending(**{"execution": execution, "started_at": now(), "ended_at": now(), "failure": why, **fields})


def handed(handler: Function) -> list[Execution]:
    return list(Execution.objects.filter(function=handler.name).order_by("created_at"))


@pytest.mark.django_db
def test_an_execution_that_ends_as_failed_is_handed_to_the_function_that_was_named(
    function: Function, handler: Function
) -> None:
    execution = function.enqueue(-1)
    run_attempt(function, execution)
    assert handed(handler) == []
    execution = run_attempt(function, execution)
    assert execution.state == State.FAILED
    (child,) = handed(handler)
    assert (child.parent_id, child.state) == (execution.id, State.CREATED)
    assert decode_call(child.arguments_json) == ([execution], {})
    assert run_attempt(handler, child).result_json == '"failed ValueError: negative"'


@pytest.mark.django_db
def test_an_execution_that_succeeds_or_is_cancelled_or_discarded_is_handed_to_nobody(
    function: Function, handler: Function
) -> None:
    run_attempt(function, function.enqueue(1))
    life.cancel(function.enqueue(-1).id)
    life.discard(held(function, function.enqueue(-1)), "gone")
    assert handed(handler) == []


@pytest.mark.django_db
def test_an_execution_that_is_aborted_is_handed_to_nobody(function: Function, handler: Function) -> None:
    execution = held(function, function.enqueue(-1))
    life.abort(execution.id)
    assert life.settle([failing(execution)], worker="w") == 1
    assert Execution.objects.get(pk=execution.pk).state == State.ABORTED
    assert handed(handler) == []


@pytest.mark.django_db
def test_an_execution_whose_workers_die_is_handed_on_when_it_is_lost_for_good(
    function: Function, handler: Function
) -> None:
    execution = function.enqueue(1)
    for number in (1, 2):
        worker = make_worker()
        Execution.objects.filter(pk=execution.pk).update(due_at=now())
        life.claim(function, [execution.pk], claim=uuid4(), worker_id=worker.pk, most=1)
        assert recover(worker) == 1
        assert len(handed(handler)) == number - 1


@pytest.mark.django_db
def test_an_execution_that_takes_too_long_is_handed_on(function: Function, handler: Function) -> None:
    execution = held(function, function.enqueue(1))
    life.settle([failing(execution, failure.timeout(MINUTE))], worker="w")
    assert len(handed(handler)) == 1


@pytest.mark.django_db
def test_each_of_several_that_end_together_is_handed_on(function: Function, handler: Function) -> None:
    executions = [held(function, function.enqueue(number)) for number in range(3)]
    life.settle([failing(execution) for execution in executions], worker="w")
    assert {child.parent_id for child in handed(handler)} == {execution.id for execution in executions}


@pytest.mark.django_db
def test_an_end_that_is_recorded_again_hands_on_nothing(function: Function, handler: Function) -> None:
    ending = failing(held(function, function.enqueue(-1)))
    assert life.settle([ending], worker="w") == 1
    assert life.settle([ending], worker="w") == 0
    assert len(handed(handler)) == 1


@pytest.mark.django_db
def test_an_execution_that_is_let_run_again_and_fails_again_is_handed_on_again(
    function: Function, handler: Function
) -> None:
    execution = function.enqueue(-1)
    for count in (1, 2):
        while run_attempt(function, execution).state != State.FAILED:
            assert len(handed(handler)) == count - 1
        assert len(handed(handler)) == count
        life.retry(execution.id)


@pytest.mark.django_db
def test_a_body_that_calls_the_handler_itself_does_not_stand_in_for_it(handler: Function) -> None:
    function = defer(call_for_help, retry=0, on_failure=handler)
    execution = run_attempt(function, function.enqueue(handler.name))
    assert execution.state == State.FAILED
    assert [child.parent_id for child in handed(handler)] == [execution.id] * 2


@pytest.mark.django_db
def test_handing_on_again_meets_the_child_that_is_there(function: Function, handler: Function) -> None:
    execution = held(function, function.enqueue(-1))
    on_failure.enqueue(execution)
    on_failure.enqueue(execution)
    assert len(handed(handler)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_workers_that_record_the_same_end_at_once_one_hands_on(function: Function, handler: Function) -> None:
    ending = failing(held(function, function.enqueue(-1)))
    settled = at_once(*[lambda: life.settle([ending], worker="w")] * 3)
    assert sorted(settled) == [0, 0, 1]
    assert len(handed(handler)) == 1
    assert Attempt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_end_that_is_rolled_back_hands_on_nothing_until_it_is_recorded(
    function: Function, handler: Function
) -> None:
    ending = failing(held(function, function.enqueue(-1)))
    with transaction.atomic():
        life.settle([ending], worker="w")
        transaction.set_rollback(True)
    assert handed(handler) == []
    assert life.settle([ending], worker="w") == 1
    assert len(handed(handler)) == 1


@pytest.mark.django_db
def test_options_of_the_handler_apply(handler: Function) -> None:
    function = defer(compute, retry=0, on_failure=handler.options(delay="1h", metadata={"why": "failed"}))
    run_attempt(function, function.enqueue(-1))
    (child,) = handed(handler)
    assert child.metadata == {"why": "failed"}
    assert child.due_at > now() + 50 * MINUTE


@pytest.mark.django_db
def test_a_handler_that_fails_is_not_handed_its_own_failure(handler: Function) -> None:
    function = defer(compute, retry=0, on_failure=handler)
    run_attempt(function, function.enqueue(-1))
    (child,) = handed(handler)
    life.settle([failing(held(handler, child))], worker="w")
    assert len(handed(handler)) == 1


@pytest.mark.django_db
def test_a_handler_that_cannot_be_enqueued_is_told_in_the_log_and_the_end_is_recorded(
    handler: Function, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise TypeError("not this")

    monkeypatch.setattr(handler, "enqueue", refuse)
    function = defer(compute, retry=0, on_failure=handler)
    assert run_attempt(function, function.enqueue(-1)).state == State.FAILED
    assert f"its on_failure {handler.name} cannot be enqueued" in caplog.text


@pytest.mark.django_db
def test_the_end_of_a_function_that_is_gone_from_the_code_is_recorded(function: Function) -> None:
    execution = held(function, function.enqueue(-1))
    execution.function = "shop.defer.gone"
    assert life.settle([failing(execution)], worker="w") == 1
