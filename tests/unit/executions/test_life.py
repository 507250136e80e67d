"""Claims and what ends them, one worker at a time."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import ErrorCode, State
from deferapp.models import Attempt, Execution
from tests.unit.rows import (
    MINUTE,
    SECOND,
    claim,
    function_named,
    make_execution,
    make_executions,
    make_worker,
    values_of,
)

pytestmark = pytest.mark.django_db

FAILURE = failure.of(ValueError("no such street\nand more"))


def ending_of(execution: Execution, **fields: object) -> Ending:
    begun = now()
    return Ending(**{"execution": execution, "started_at": begun, "ended_at": begun + SECOND, **fields})


def test_a_claim_starts_the_attempt_and_names_who_holds_it() -> None:
    worker, token, before = make_worker(), uuid4(), now()
    (execution,) = claim([make_execution()], worker=worker, token=token)
    assert (execution.state, execution.attempt) == (State.STARTED, 1)
    assert (execution.claim, execution.worker) == (token, worker)
    assert execution.dispatch_at is None
    assert before <= execution.started_at <= now()


def test_a_claim_returns_executions_in_the_order_of_their_enqueueing() -> None:
    executions = make_executions(5)
    assert claim(executions[::-1]) == executions


def test_what_is_claimed_is_not_claimed_again() -> None:
    first, second = make_executions(2)
    claim([first])
    assert claim([first, second]) == [second]


def test_the_same_claim_made_again_returns_the_same_rows_and_counts_once() -> None:
    executions, token = make_executions(3), uuid4()
    assert claim(executions, token=token) == executions
    assert claim(executions, token=token) == executions
    assert {values_of(execution)["attempt"] for execution in executions} == {1}


@pytest.mark.parametrize("state", [state for state in State if state != State.CREATED])
def test_only_what_is_created_is_claimed(state: State) -> None:
    execution = make_execution(state=state)
    before = values_of(execution)
    assert claim([execution]) == []
    assert values_of(execution) == before


def test_what_is_not_due_is_not_claimed() -> None:
    execution = make_execution(due_at=now() + MINUTE)
    assert claim([execution]) == []
    assert values_of(execution)["state"] == State.CREATED


def test_a_message_of_another_function_claims_nothing() -> None:
    execution = make_execution("shop.defer.mail")
    other = function_named("shop.defer.bill")
    assert life.claim(other, [execution.pk], claim=uuid4(), worker_id=1, most=9) == []
    assert values_of(execution)["state"] == State.CREATED


def test_an_id_that_the_ledger_does_not_know_is_left_out() -> None:
    execution = make_execution()
    ids = [uuid4(), execution.pk, execution.pk]
    function = function_named(execution.function)
    assert life.claim(function, ids, claim=uuid4(), worker_id=1, most=9) == [execution]


def test_a_result_ends_the_execution_and_is_kept_with_its_attempt() -> None:
    (execution,) = claim([make_execution()])
    ending = ending_of(execution, result_json="[1]")
    assert life.settle([ending], worker="w 1") == 1
    after = values_of(execution)
    assert (after["state"], after["result_json"], after["attempt"]) == (State.SUCCEEDED, "[1]", 1)
    assert (after["started_at"], after["ended_at"]) == (ending.started_at, ending.ended_at)
    assert (after["claim"], after["worker_id"], after["dispatch_at"]) == (None, None, None)
    attempt = Attempt.objects.get(execution=execution)
    assert (attempt.number, attempt.outcome, attempt.worker) == (1, "succeeded", "w 1")
    assert (attempt.started_at, attempt.ended_at, attempt.retry_at) == (ending.started_at, ending.ended_at, None)


def test_a_failure_without_a_retry_ends_the_execution_and_says_why() -> None:
    (execution,) = claim([make_execution()])
    life.settle([ending_of(execution, failure=FAILURE)], worker="w")
    after = values_of(execution)
    assert (after["state"], after["error_code"]) == (State.FAILED, ErrorCode.FUNCTION_FAILED)
    assert after["reason"] == "ValueError: no such street"
    assert (after["result_json"], after["claim"], after["dispatch_at"]) == (None, None, None)
    attempt = Attempt.objects.get(execution=execution)
    assert (attempt.outcome, attempt.error_code) == ("failed", "ER0003")
    assert (attempt.error_type, attempt.error_message) == ("ValueError", "no such street\nand more")
    assert attempt.traceback.startswith("ValueError: no such street")


def test_a_failure_with_a_retry_waits_again_until_it_is_due_and_says_why() -> None:
    retry_at = now() + MINUTE
    (execution,) = claim([make_execution()])
    life.settle([ending_of(execution, failure=FAILURE, retry_at=retry_at)], worker="w")
    after = values_of(execution)
    assert (after["state"], after["due_at"], after["dispatch_at"]) == (State.CREATED, retry_at, retry_at)
    assert (after["attempt"], after["ended_at"], after["claim"]) == (1, None, None)
    assert after["reason"] == "ValueError: no such street"
    assert Attempt.objects.get(execution=execution).retry_at == retry_at


def test_the_attempts_of_an_execution_are_numbered_and_a_success_clears_the_reason() -> None:
    execution = make_execution()
    for number in (1, 2):
        (held,) = claim([execution])
        assert held.attempt == number
        life.settle([ending_of(held, failure=FAILURE, retry_at=now())], worker="w")
    (held,) = claim([execution])
    life.settle([ending_of(held)], worker="w")
    assert list(execution.attempts.values_list("number", "outcome")) == [
        (1, "failed"),
        (2, "failed"),
        (3, "succeeded"),
    ]
    after = values_of(execution)
    assert (after["error_code"], after["reason"], after["result_json"]) == ("", "", None)


def test_a_claim_that_is_gone_settles_nothing() -> None:
    (execution,) = claim([make_execution()])
    life.give_back([execution])
    claim([execution])
    before = values_of(execution)
    assert life.settle([ending_of(execution, result_json="1")], worker="late") == 0
    assert values_of(execution) == before
    assert not Attempt.objects.exists()


def test_what_is_settled_is_not_settled_again() -> None:
    (execution,) = claim([make_execution()])
    assert life.settle([ending_of(execution)], worker="w") == 1
    assert life.settle([ending_of(execution, failure=FAILURE)], worker="w") == 0
    assert values_of(execution)["state"] == State.SUCCEEDED
    assert Attempt.objects.count() == 1


def test_of_several_endings_only_those_still_held_are_recorded() -> None:
    first, second = claim(make_executions(2))
    life.give_back([first])
    assert life.settle([ending_of(first), ending_of(second)], worker="w") == 1
    assert list(Attempt.objects.values_list("execution_id", flat=True)) == [second.pk]


def test_what_is_given_back_is_as_if_it_had_not_been_claimed_and_due_for_dispatch() -> None:
    execution = make_execution()
    before = values_of(execution)
    assert life.give_back(claim([execution])) == 1
    assert values_of(execution) == {**before, "dispatch_at": before["due_at"]}
    assert not Attempt.objects.exists()


def test_only_the_named_executions_of_a_claim_are_given_back() -> None:
    first, second, third = claim(make_executions(3))
    assert life.give_back([second, third]) == 2
    assert life.give_back([]) == 0
    assert values_of(first)["state"] == State.STARTED
    assert {values_of(each)["state"] for each in (second, third)} == {State.CREATED}


def test_giving_back_takes_nothing_from_another_claim() -> None:
    (stale,) = claim([make_execution()])
    life.give_back([stale])
    claim([stale])
    assert life.give_back([stale]) == 0
    assert values_of(stale)["state"] == State.STARTED


def test_a_discarded_execution_ends_with_its_reason_and_without_an_attempt() -> None:
    (execution,) = claim([make_execution()])
    assert life.discard(execution, "gone " * 200) == 1
    after = values_of(execution)
    assert (after["state"], after["attempt"], after["dispatch_at"]) == (State.DISCARDED, 0, None)
    assert after["reason"] == ("gone " * 200)[:500]
    assert now() - after["ended_at"] < timedelta(minutes=1)
    assert not Attempt.objects.exists()


def test_a_claim_that_is_gone_discards_nothing() -> None:
    (stale,) = claim([make_execution()])
    life.give_back([stale])
    claim([stale])
    assert life.discard(stale, "gone") == 0
    assert values_of(stale)["state"] == State.STARTED
