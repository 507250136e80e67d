"""When frequencies come, by the times that others agree on and by the reference, minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import islice, pairwise, takewhile
from typing import Any

import pytest
from hypothesis import assume, given

from deferapp.cron import next_after, next_times, parse, times, times_after
from tests.unit.cron.cases import CASES, MINUTE, MOMENTS, START, VALID, Case, moments, patient

LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("case", VALID["cases"], ids=lambda case: f"{case['id']}")
def test_the_next_ten_times_are_those_that_others_find(case: dict[str, Any]) -> None:
    found = next_times(case["expr"], START)
    assert found == moments(case["next"])
    assert {moment.tzinfo for moment in found} == {UTC}


@given(CASES, MOMENTS)
@patient
def test_times_are_all_matching_minutes_and_no_others(case: Case, after: datetime) -> None:
    assume(case.comes())
    first = after.replace(second=0, microsecond=0) + MINUTE
    end = first + timedelta(days=2)
    expected = [first + count * MINUTE for count in range(2 * 24 * 60) if case.matches(first + count * MINUTE)]
    assert list(takewhile(lambda moment: moment < end, times_after(parse(case.text), after))) == expected


@given(CASES, MOMENTS)
@patient
def test_the_next_time_is_on_the_first_matching_day(case: Case, after: datetime) -> None:
    assume(case.comes())
    found = next_after(parse(case.text), after)
    assert found > after
    assert case.matches(found)
    first_time = {"hour": min(case.fields[1].values), "minute": min(case.fields[0].values)}
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    days_between = (midnight + timedelta(days=day) for day in range(1, (found - midnight).days))
    assert not any(case.matches(day.replace(**first_time)) for day in days_between)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 3, 8, tzinfo=UTC)),
        (datetime(2026, 3, 2, 7, 59, 59, 999999, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC)),
        (datetime(2026, 3, 2, 8, 0, 0, 1, tzinfo=UTC), datetime(2026, 3, 3, 8, tzinfo=UTC)),
        (
            datetime(2026, 3, 2, 2, 59, tzinfo=timezone(timedelta(hours=-5))),
            datetime(2026, 3, 2, 8, tzinfo=UTC),
        ),
        (
            datetime(2026, 3, 2, 3, 1, tzinfo=timezone(timedelta(hours=-5))),
            datetime(2026, 3, 3, 8, tzinfo=UTC),
        ),
    ],
)
def test_a_time_comes_strictly_after_the_moment_in_whatever_zone_it_is_said(
    after: datetime, expected: datetime
) -> None:
    assert next_after(parse("0 8 * * *"), after) == expected
    assert next_times("0 8 * * *", after, 1) == [expected]


def test_times_are_counted_from_now_when_no_moment_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "now", lambda: NOON)
    assert next_times("*/30 * * * *", count=2) == [NOON + 30 * MINUTE, NOON + 60 * MINUTE]
    assert len(next_times("* * * * *")) == 10


@pytest.mark.parametrize(
    ("frequency", "after", "years"),
    [
        ("0 0 29 2 *", 2026, [2028, 2032, 2036]),
        ("0 0 29 2 *", 2092, [2096, 2104, 2108]),
        ("0 0 29 2 */7", 2060, [2088, 2128, 2156]),
    ],
)
def test_leap_days_come_when_there_are_some(frequency: str, after: int, years: list[int]) -> None:
    found = next_times(frequency, datetime(after, 3, 1, tzinfo=UTC), 3)
    assert found == [datetime(year, 2, 29, tzinfo=UTC) for year in years]


def test_a_date_that_never_comes_leaves_the_weekday() -> None:
    found = next_times("0 0 31 2 1", datetime(2026, 2, 1, tzinfo=UTC), 5)
    assert [moment.date() for moment in found] == [
        date(2026, 2, 2), date(2026, 2, 9), date(2026, 2, 16), date(2026, 2, 23), date(2027, 2, 1)
    ]  # fmt: skip


def test_times_end_where_the_calendar_ends() -> None:
    before_the_end = LAST_MOMENT - 2 * MINUTE
    assert next_times("* * * * *", before_the_end) == [
        datetime(9999, 12, 31, 23, minute, tzinfo=UTC) for minute in (58, 59)
    ]
    assert next_times("0 0 29 2 *", LAST_MOMENT) == []
    with pytest.raises(OverflowError, match="does not come between"):
        next_after(parse("0 0 1 1 *"), before_the_end)


def test_times_begin_where_the_calendar_begins() -> None:
    assert next_after(parse("@daily"), datetime.min.replace(tzinfo=UTC)) == datetime(1, 1, 2, tzinfo=UTC)


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 3, 2)  # noqa: DTZ001
    with pytest.raises(ValueError, match="has no time zone"):
        next_times("* * * * *", naive)
    with pytest.raises(ValueError, match="has no time zone"):
        times_after(parse("* * * * *"), naive)


def test_a_date_is_no_moment() -> None:
    with pytest.raises(TypeError, match="after must be a datetime, not date"):
        next_times("* * * * *", date(2026, 3, 2))  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [True, 2.0, "3", None])
def test_a_count_that_is_no_number_is_refused(count: Any) -> None:
    with pytest.raises(TypeError, match="count must be a whole number"):
        next_times("* * * * *", NOON, count)


def test_a_negative_count_is_refused_and_none_gives_nothing() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        next_times("* * * * *", NOON, -1)
    assert next_times("* * * * *", NOON, 0) == []


def test_times_go_on_as_long_as_they_are_asked_for() -> None:
    found = list(islice(times_after(parse("0 8 * * 1"), NOON), 1000))
    assert [later - sooner for sooner, later in pairwise(found)] == [timedelta(days=7)] * 999
