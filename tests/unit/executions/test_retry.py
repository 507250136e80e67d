"""Whether and when a failed attempt is followed by another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deferapp.executions.endings import failure, retry
from deferapp.executions.endings.failure import LOST, Failure
from deferapp.executions.states import ErrorCode
from deferapp.functions.config import RetryPolicy
from tests.unit.cron.cases import patient

FAILED = failure.of(ValueError("x"))
PERMANENT = failure.of(ValueError("x"), is_permanent=True)

SECONDS = st.floats(0, 1e6)
POLICIES = st.builds(
    RetryPolicy,
    max_attempts=st.integers(0, 1_000),
    initial_interval=SECONDS,
    multiplier=st.floats(0, 100),
    randomization_factor=st.floats(0, 1),
    max_interval=SECONDS,
)
SHARES = st.floats(0, 1)


def drawing(share: float) -> object:
    """A random number that lies this far between its limits, as `random.uniform` reckons."""
    return lambda low, high: low + (high - low) * share


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def test_the_default_policy_waits_as_defer_did() -> None:
    waits = [retry.delay(RetryPolicy(), attempt, FAILED, middle) for attempt in range(1, 15)]
    seconds = [wait.total_seconds() for wait in waits if wait is not None]
    assert seconds[:8] == pytest.approx([30, 45, 67.5, 101.25, 151.875, 227.8125, 341.71875, 512.578125])
    assert seconds[8:] == [600] * 5
    assert waits[13] is None


@pytest.mark.parametrize(
    ("max_attempts", "attempt", "is_retried"),
    [(0, 1, False), (1, 1, True), (1, 2, False), (13, 13, True), (13, 14, False)],
)
def test_a_policy_allows_so_many_retries(max_attempts: int, attempt: int, is_retried: bool) -> None:
    wait = retry.delay(RetryPolicy(max_attempts=max_attempts), attempt, FAILED)
    assert (wait is not None) is is_retried


def test_the_jitter_is_half_of_the_interval_to_either_side() -> None:
    limits = []
    retry.delay(RetryPolicy(), 2, FAILED, lambda low, high: limits.append((low, high)) or low)
    assert limits == [(22.5, 67.5)]


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 0), (2, 10), (13, 10)])
def test_a_lost_attempt_is_repeated_at_once_and_later_within_ten_seconds(attempt: int, seconds: int) -> None:
    assert retry.delay(RetryPolicy(), attempt, LOST, middle) == timedelta(seconds=seconds)


def test_a_lost_attempt_waits_no_longer_than_the_policy_has_it() -> None:
    assert retry.delay(RetryPolicy(max_interval=2), 2, LOST, middle) == timedelta(seconds=2)


def test_a_lost_attempt_counts_as_any_other() -> None:
    assert retry.delay(RetryPolicy(max_attempts=2), 3, LOST) is None
    assert retry.delay(RetryPolicy(max_attempts=0), 1, LOST) is None


def test_no_number_of_attempts_is_too_large_to_reckon_with() -> None:
    wait = retry.delay(RetryPolicy(max_attempts=30_000, multiplier=100), 30_000, FAILED, middle)
    assert wait == timedelta(seconds=600)


@given(POLICIES, st.integers(1, 1_100), SHARES)
@patient
def test_no_wait_is_negative_or_over_the_limit(policy: RetryPolicy, attempt: int, share: float) -> None:
    wait = retry.delay(policy, attempt, FAILED, drawing(share))
    if wait is not None:
        assert timedelta() <= wait <= timedelta(seconds=policy.max_interval)


@given(POLICIES, st.integers(1, 1_100), SHARES)
@patient
def test_without_jitter_chance_plays_no_part(policy: RetryPolicy, attempt: int, share: float) -> None:
    exact = RetryPolicy(
        max_attempts=2_000,
        initial_interval=policy.initial_interval,
        multiplier=policy.multiplier,
        max_interval=policy.max_interval,
        randomization_factor=0,
    )
    drawn = retry.delay(exact, attempt, FAILED, drawing(share))
    assert drawn == retry.delay(exact, attempt, FAILED)


@given(POLICIES, st.integers(1, 1_100))
@patient
def test_a_permanent_failure_ends_the_execution(policy: RetryPolicy, attempt: int) -> None:
    assert retry.delay(policy, attempt, PERMANENT) is None


@given(POLICIES, st.sampled_from([FAILED, LOST, Failure(code=ErrorCode.TIMEOUT)]), st.integers(1, 1_100))
@patient
def test_the_last_attempt_is_the_one_after_all_retries(policy: RetryPolicy, what: Failure, attempt: int) -> None:
    assert (retry.delay(policy, attempt, what) is None) == (attempt > policy.max_attempts)


@given(POLICIES, st.integers(2, 1_100), SHARES)
@patient
def test_a_lost_attempt_never_waits_longer_than_a_failed_one(policy: RetryPolicy, attempt: int, share: float) -> None:
    lost = retry.delay(policy, attempt, LOST, drawing(share))
    failed = retry.delay(policy, attempt, FAILED, drawing(share))
    assert (lost is None) == (failed is None)
    assert lost is None or lost == min(failed, retry.LOST_LIMIT)
