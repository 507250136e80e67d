"""Waits that a server or the function asks for, and what of them counts against the policy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from deferapp import GiveUp, Retry, defer
from deferapp.clock import now
from deferapp.executions.endings import failure, past, retry
from deferapp.executions.endings.failure import LOST, Failure
from deferapp.executions.endings.retry import Decision, Past
from deferapp.executions.states import State
from deferapp.functions.config import RetryPolicy
from deferapp.models import Attempt, Execution
from tests.unit.retry import servers
from tests.unit.retry.running import run_attempt
from tests.unit.retry.servers import Answer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

BUSY = failure.of(ValueError("busy"), retry_after=2 * MINUTE, is_postponed=True)
ASKED = failure.of(ValueError("not yet"), retry_after=2 * MINUTE)
FAILED = failure.of(ValueError("broken"))
TWO = RetryPolicy(max_attempts=2, initial_interval=10, randomization_factor=0)


def decide(what: Failure, *, counted: int = 0, postponed: int = 0, since: timedelta | None = None) -> Decision:
    before = Past(counted=counted, postponed=postponed, counted_at=None if since is None else NOW - since)
    return retry.decide(TWO, before, what, NOW)


def test_a_server_sets_the_next_attempt_whatever_the_policy_has() -> None:
    assert decide(BUSY).retry_at == NOW + 2 * MINUTE
    long = failure.of(ValueError(), retry_after=DAY, is_postponed=True)
    assert decide(long).retry_at == NOW + DAY


def test_the_first_time_that_a_server_is_busy_counts() -> None:
    assert decide(BUSY).counts


@pytest.mark.parametrize(
    ("since", "counts"), [(timedelta(), False), (59 * MINUTE, False), (HOUR, True), (5 * HOUR, True)]
)
def test_an_attempt_that_a_server_postpones_counts_once_an_hour(since: timedelta, counts: bool) -> None:
    assert decide(BUSY, counted=1, since=since) == Decision(retry_at=NOW + 2 * MINUTE, counts=counts)


def test_a_server_that_is_busy_does_not_use_up_the_last_attempt() -> None:
    assert decide(BUSY, counted=2, since=MINUTE).retry_at == NOW + 2 * MINUTE
    assert decide(BUSY, counted=2, since=HOUR).retry_at is None


def test_a_server_that_never_lets_up_is_not_waited_for_for_ever() -> None:
    limit = retry.POSTPONED_LIMIT
    assert not decide(BUSY, counted=1, postponed=limit - 1, since=MINUTE).counts
    assert decide(BUSY, counted=1, postponed=limit, since=MINUTE).counts
    assert decide(BUSY, counted=2, postponed=limit, since=MINUTE).retry_at is None


def test_without_retries_a_server_is_not_believed() -> None:
    assert retry.decide(RetryPolicy(max_attempts=0), Past(), BUSY, NOW).retry_at is None


def test_what_the_function_asks_for_sets_the_next_attempt_and_counts() -> None:
    assert decide(ASKED, counted=1, since=MINUTE) == Decision(retry_at=NOW + 2 * MINUTE, counts=True)
    assert decide(ASKED, counted=2, since=MINUTE).retry_at is None


def test_other_failures_wait_by_the_number_of_those_that_count() -> None:
    assert decide(FAILED, counted=1, postponed=40, since=MINUTE).retry_at == NOW + timedelta(seconds=15)
    assert decide(LOST, counted=0).retry_at == NOW
    assert decide(FAILED, counted=2, since=MINUTE).retry_at is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 7_200)), max_size=60), st.integers(0, 10))
def test_a_policy_allows_its_number_of_failures_and_one_postponement_an_hour(
    steps: list[tuple[bool, int]], most: int
) -> None:
    policy, before, moment = RetryPolicy(max_attempts=most), Past(), NOW
    failures, counted_hours = 0, []
    for is_postponed, seconds in steps:
        decision = retry.decide(policy, before, BUSY if is_postponed else FAILED, moment)
        if decision.retry_at is None:
            assert before.counted == most
            return
        if is_postponed and decision.counts:
            assert all(moment - other >= HOUR for other in counted_hours[-1:])
            counted_hours.append(moment)
        failures += not is_postponed
        assert decision.counts or is_postponed
        before = Past(
            counted=before.counted + decision.counts,
            postponed=before.postponed + (not decision.counts),
            counted_at=moment if decision.counts else before.counted_at,
        )
        assert failures <= before.counted <= most
        moment = decision.retry_at + timedelta(seconds=seconds)


def fetch(url: str) -> int:
    response = requests.get(url, timeout=5)
    response.raise_for_status()
    return response.status_code


async def fetch_together(url: str) -> int:
    return fetch(url)


@pytest.fixture
def answer() -> Answer:
    return Answer()


@pytest.fixture
def url(answer: Answer) -> Iterator[str]:
    with servers.http_server(answer) as url:
        yield url


def counted(execution: Execution) -> list[bool]:
    return list(Attempt.objects.filter(execution=execution).order_by("number").values_list("counts", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize("plain", [fetch, fetch_together])
def test_an_execution_waits_for_a_busy_server_and_has_its_retries_afterwards(
    plain: object, url: str, answer: Answer
) -> None:
    function = defer(plain, retry=2)
    execution = function.enqueue(url)
    answer.status, answer.headers = 429, {"Retry-After": "120"}
    for _ in range(5):
        execution = run_attempt(function, execution)
        latest = execution.attempts.order_by("number").last()
        assert execution.state == State.CREATED
        assert execution.due_at == latest.retry_at == latest.ended_at + 2 * MINUTE
    answer.status, answer.headers = 500, {}
    execution = run_attempt(function, execution)
    assert (execution.state, execution.attempt) == (State.CREATED, 6)
    execution = run_attempt(function, execution)
    assert (execution.state, execution.error_code) == (State.FAILED, "ER0003")
    assert counted(execution) == [True, False, False, False, False, True, True]


@pytest.mark.django_db
def test_a_busy_server_is_counted_again_when_an_hour_has_passed(url: str, answer: Answer) -> None:
    function = defer(fetch, retry=1)
    execution = function.enqueue(url)
    answer.status, answer.headers = 503, {"Retry-After": "120"}
    run_attempt(function, execution)
    run_attempt(function, execution)
    Attempt.objects.update(ended_at=now() - 2 * HOUR)
    execution = run_attempt(function, execution)
    assert (execution.state, counted(execution)) == (State.FAILED, [True, False, True])


@pytest.mark.django_db
def test_an_execution_that_waited_for_a_server_succeeds_in_the_end(url: str, answer: Answer) -> None:
    function = defer(fetch, retry=1)
    execution = function.enqueue(url)
    answer.status, answer.headers = 429, {"Retry-After": "1"}
    for _ in range(3):
        run_attempt(function, execution)
    answer.status = 200
    execution = run_attempt(function, execution)
    assert (execution.state, execution.result_json, execution.attempt) == (State.SUCCEEDED, "200", 4)


@pytest.mark.django_db
def test_a_request_that_will_never_do_is_made_once(url: str, answer: Answer) -> None:
    function = defer(fetch)
    answer.status = 404
    execution = run_attempt(function, function.enqueue(url))
    assert (execution.state, execution.error_code, execution.attempt) == (State.FAILED, "ER0003", 1)
    assert "404" in execution.reason


@pytest.mark.django_db
def test_retry_on_and_give_up_on_decide_for_the_function_that_names_them(url: str, answer: Answer) -> None:
    answer.status = 404
    stubborn = defer(fetch, retry_on=requests.HTTPError)
    assert run_attempt(stubborn, stubborn.enqueue(url)).state == State.CREATED
    answer.status = 500
    hasty = defer(fetch, give_up_on=(requests.HTTPError,))
    assert run_attempt(hasty, hasty.enqueue(url)).state == State.FAILED


def not_yet(after: int) -> None:
    raise Retry("not yet", after=after)


def no_use() -> None:
    raise GiveUp("no such street")


@pytest.mark.django_db
def test_a_function_that_asks_is_retried_then_until_its_retries_are_used_up() -> None:
    function = defer(not_yet, retry=1)
    execution = run_attempt(function, function.enqueue(600))
    assert execution.state == State.CREATED
    assert execution.due_at == execution.attempts.get().ended_at + 10 * MINUTE
    assert "not yet" in execution.reason
    execution = run_attempt(function, execution)
    assert (execution.state, counted(execution)) == (State.FAILED, [True, True])


@pytest.mark.django_db
def test_a_function_that_gives_up_is_not_retried_and_says_why() -> None:
    function = defer(no_use)
    execution = run_attempt(function, function.enqueue())
    assert (execution.state, execution.attempt) == (State.FAILED, 1)
    assert execution.reason.endswith("no such street")


@pytest.mark.django_db
def test_the_first_attempt_has_no_past_to_be_asked_for(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert past.of(Execution(attempt=1)) == Past()


@pytest.mark.django_db
def test_an_attempt_that_left_no_trace_counts() -> None:
    execution = Execution.objects.create(function="shop.defer.mail", due_at=NOW, attempt=4)
    failed = {"execution": execution, "outcome": "failed", "started_at": NOW, "retry_at": NOW}
    Attempt.objects.create(number=2, counts=False, ended_at=NOW, **failed)
    Attempt.objects.create(number=3, error_code="ER0004", ended_at=NOW - HOUR, **failed)
    assert past.of(execution) == Past(counted=2, postponed=1, counted_at=NOW - HOUR)
