"""Histograms of durations: their buckets, and what is read out of them."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deferapp.tallies.histogram import bounds, bucket, merged, percentile

MILLISECOND = timedelta(milliseconds=1)
DURATIONS = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=365 * 80))


def counted(durations: list[timedelta]) -> dict[str, int]:
    return dict(Counter(str(bucket(duration)) for duration in durations))


@given(DURATIONS)
def test_a_duration_lies_within_the_bounds_of_its_bucket(duration: timedelta) -> None:
    lower, upper = bounds(bucket(duration))
    assert lower <= duration < upper


@pytest.mark.parametrize("number", range(301))
def test_buckets_follow_each_other_without_a_gap_and_grow_by_a_tenth(number: int) -> None:
    lower, upper = bounds(number)
    assert bucket(lower) == number
    assert bucket(upper - timedelta(microseconds=1)) == number
    assert bucket(upper) == min(number + 1, 300)
    assert number == 0 or 1.09 < upper / lower < 1.11


@pytest.mark.parametrize("duration", [timedelta(seconds=-5), timedelta(), timedelta(microseconds=999)])
def test_what_is_under_a_millisecond_or_negative_is_in_the_first_bucket(duration: timedelta) -> None:
    assert bucket(duration) == 0


def test_what_takes_longer_than_a_life_is_in_the_last_bucket() -> None:
    assert bucket(timedelta.max) == bucket(timedelta(days=365 * 100)) == 300


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({"7": 0}, 0.5) is None


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 1.0])
def test_a_percentile_is_right_to_a_tenth(share: float) -> None:
    generator = random.Random(4)
    durations = sorted(timedelta(seconds=generator.lognormvariate(0, 2)) for _ in range(1_000))
    exact = durations[min(999, int(share * 1_000))]
    found = percentile(counted(durations), share)
    assert found is not None
    assert 0.9 < found / exact < 1.11


@given(st.lists(DURATIONS, min_size=1))
def test_a_higher_share_has_no_lower_percentile(durations: list[timedelta]) -> None:
    counts = counted(durations)
    found = [percentile(counts, share / 10) or timedelta() for share in range(11)]
    assert found == sorted(found)


@given(st.lists(DURATIONS), st.lists(DURATIONS))
def test_merged_counts_are_those_of_all_together(some: list[timedelta], others: list[timedelta]) -> None:
    assert merged(counted(some), counted(others)) == counted(some + others)
