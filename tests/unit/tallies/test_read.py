"""What charts read out of tallies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import DjangoAssertNumQueries

from deferapp.models import ErrorGroup, Tally, ledger
from deferapp.tallies import read
from deferapp.tallies.histogram import bucket
from deferapp.tallies.read import Counts


def at(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


NOW = at(3, 5, 14, 37) + timedelta(seconds=20)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = str(bucket(timedelta(seconds=1)))
MINUTE = str(bucket(timedelta(minutes=1)))


def make_tally(begins_at: datetime, outcome: str, count: int, function: str = "shop.defer.mail", **fields: Any) -> None:
    """As fold writes it: of the function, and of all together."""
    values = {"span": "hour", "begins_at": begins_at, "outcome": outcome, "count": count, **fields}
    Tally.objects.create(function=function, **values)
    values = {**values, "error_key": ""}
    total, is_new = Tally.objects.get_or_create(
        span=values["span"], begins_at=begins_at, outcome=outcome, function="", error_key="", defaults=values
    )
    if not is_new:
        total.count += count
        total.save()


def make_group(key: str, last_at: datetime = NOW, function: str = "shop.defer.mail") -> ErrorGroup:
    return ErrorGroup.objects.create(key=key, function=function, first_at=NOW - DAY, last_at=last_at)


@pytest.mark.parametrize(
    ("key", "begins_at", "ends_at", "steps", "span"),
    [
        ("1h", at(3, 5, 13, 38), at(3, 5, 14, 38), 60, "minute"),
        ("24h", at(3, 4, 15), at(3, 5, 15), 24, "hour"),
        ("7d", at(2, 26, 18), at(3, 5, 18), 28, "6hours"),
        ("30d", at(2, 4), at(3, 6), 30, "day"),
    ],
)
def test_a_range_ends_with_the_step_that_has_begun(
    key: str, begins_at: datetime, ends_at: datetime, steps: int, span: str
) -> None:
    found = read.time_range(key, NOW)
    assert (found.key, found.span) == (key, span)
    assert (found.begins_at, found.ends_at) == (begins_at, ends_at)
    assert found.steps() == [found.begins_at + number * found.step for number in range(steps)]
    assert found.steps()[found.index(NOW)] <= NOW < found.ends_at


@pytest.mark.parametrize("key", read.RANGES)
def test_the_range_before_ends_where_a_range_begins(key: str) -> None:
    found = read.time_range(key, NOW)
    before = found.previous()
    assert before.ends_at == found.begins_at
    assert len(before.steps()) == len(found.steps())


@pytest.mark.parametrize("key", ["", "2y", "24H", "<script>"])
def test_an_unknown_range_is_the_default(key: str) -> None:
    assert read.time_range(key, NOW) == read.time_range("24h", NOW)


def test_counts_of_nothing_have_no_share_and_no_percentile() -> None:
    counts = Counts()
    assert (counts.ended, counts.attempts, counts.ok) == (0, 0, None)
    assert counts.wait(0.5) is counts.duration(0.95) is None


def test_counts_tell_executions_from_attempts() -> None:
    counts = Counts(succeeded=6, retried=5, failed=2, cancelled=1, discarded=1)
    assert (counts.ended, counts.attempts, counts.ok) == (10, 13, 0.75)


def test_percentiles_are_those_of_what_was_counted() -> None:
    counts = Counts(waits={SECOND: 99, MINUTE: 1}, durations={MINUTE: 1})
    assert timedelta(seconds=0.9) < (counts.wait(0.95) or HOUR) < timedelta(seconds=1.1)
    assert timedelta(seconds=54) < (counts.wait(1) or HOUR) < timedelta(seconds=66)
    assert timedelta(seconds=54) < (counts.duration(0.5) or HOUR) < timedelta(seconds=66)


def test_a_total_is_of_all() -> None:
    some = Counts(succeeded=1, failed=2, waits={"3": 1}, durations={"4": 2})
    others = Counts(succeeded=5, discarded=1, waits={"3": 2, "9": 1})
    together = Counts(succeeded=6, failed=2, discarded=1, waits={"3": 3, "9": 1}, durations={"4": 2})
    assert Counts.total([some, others]) == together
    assert Counts.total([]) == Counts()
    assert some.waits == {"3": 1}


@pytest.mark.django_db
def test_a_series_has_every_step_and_nothing_from_outside() -> None:
    shown = read.time_range("24h", NOW)
    make_tally(shown.begins_at - HOUR, "succeeded", 100)
    make_tally(shown.begins_at, "succeeded", 3, waits={SECOND: 3}, durations={MINUTE: 3})
    make_tally(shown.begins_at, "failed", 1, durations={MINUTE: 1})
    make_tally(shown.ends_at - HOUR, "retried", 4)
    make_tally(shown.ends_at, "succeeded", 100)
    make_tally(shown.begins_at, "succeeded", 50, span="day")
    found = read.series(shown)
    assert [step for step, _ in found] == shown.steps()
    assert found[0][1] == Counts(succeeded=3, failed=1, waits={SECOND: 3}, durations={MINUTE: 4})
    assert found[-1][1] == Counts(retried=4)
    assert all(counts == Counts() for _, counts in found[1:-1])


@pytest.mark.django_db
def test_a_series_is_of_all_functions_or_of_one() -> None:
    shown = read.time_range("24h", NOW)
    make_tally(shown.begins_at, "failed", 3, error_key="a" * 16)
    make_tally(shown.begins_at, "failed", 2, error_key="b" * 16)
    make_tally(shown.begins_at, "failed", 1, function="shop.defer.report")
    assert read.series(shown)[0][1].failed == 6
    assert read.series(shown, "shop.defer.mail")[0][1].failed == 5
    assert read.series(shown, "shop.defer.report")[0][1].failed == 1
    assert read.series(shown, "shop.defer.gone")[0][1] == Counts()


@pytest.mark.django_db
def test_each_function_has_its_counts_and_trends() -> None:
    shown = read.time_range("24h", NOW)
    make_tally(shown.begins_at, "succeeded", 3, durations={SECOND: 3})
    make_tally(shown.begins_at, "failed", 2, error_key="a" * 16)
    make_tally(shown.begins_at + HOUR, "retried", 7)
    make_tally(shown.ends_at - HOUR, "failed", 1)
    make_tally(shown.ends_at - HOUR, "cancelled", 1, function="shop.defer.report")
    found = read.by_function(shown)
    assert list(found) == ["shop.defer.mail", "shop.defer.report"]
    assert found["shop.defer.mail"].counts == Counts(succeeded=3, retried=7, failed=3, durations={SECOND: 3})
    assert found["shop.defer.mail"].trend == [5, *[0] * 22, 1]
    assert found["shop.defer.mail"].failed_trend == [2, *[0] * 22, 1]
    assert found["shop.defer.report"].trend == [*[0] * 23, 1]


@pytest.mark.django_db
def test_errors_are_grouped_the_most_frequent_first_and_of_equal_ones_the_newest() -> None:
    shown = read.time_range("24h", NOW)
    rare, old, new, other = make_group("rare"), make_group("old", NOW - HOUR), make_group("new"), make_group("other")
    make_tally(shown.begins_at, "failed", 1, error_key="rare")
    make_tally(shown.begins_at, "failed", 2, error_key="old")
    make_tally(shown.ends_at - HOUR, "retried", 3, error_key="old")
    make_tally(shown.begins_at, "retried", 5, error_key="new")
    make_tally(shown.begins_at, "failed", 9, error_key="gone")
    make_tally(shown.begins_at, "failed", 9, function="shop.defer.report", error_key="other")
    assert [each.group for each in read.errors(shown)] == [other, new, old, rare]
    assert [each.group for each in read.errors(shown, most=2)] == [other, new]
    found = read.errors(shown, "shop.defer.mail")
    assert [(each.group, each.count) for each in found] == [(new, 5), (old, 5), (rare, 1)]
    assert found[1].trend == [2, *[0] * 22, 3]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("call", "queries"),
    [
        (read.series, 1),
        (lambda shown: read.series(shown, "shop.defer.mail"), 1),
        (read.total, 1),
        (read.by_function, 3),
        (lambda shown: read.by_function(shown, with_waits=False), 2),
        (read.errors, 3),
        (lambda shown: read.errors(shown, "shop.defer.mail"), 3),
    ],
)
def test_the_number_of_queries_is_fixed_and_none_reads_executions(
    call: Callable[[read.Range], object], queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    shown = read.time_range("24h", NOW)
    for number in range(5):
        key = f"key {number}"
        make_group(key)
        make_tally(shown.begins_at + number * HOUR, "failed", 2, error_key=key)
        make_tally(shown.begins_at, "failed", 1, function=f"shop.defer.function{number}", error_key=key)
    captured: CaptureQueriesContext
    with django_assert_num_queries(queries, using=ledger()) as captured:
        assert call(shown)
    assert not [query for query in captured.captured_queries if "deferapp_execution" in query["sql"]]
