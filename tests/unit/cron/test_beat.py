"""The rows for django-celery-beat, as the real beat reads them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice, pairwise
from typing import Any

import pytest
from celery.schedules import crontab
from django_celery_beat.models import CrontabSchedule
from hypothesis import assume, given

from deferapp.cron import BeatColumns, columns, parse
from tests.unit.cron.cases import CASES, MINUTE, MOMENTS, START, VALID, Case, moments, patient


def beat_rows(frequency: str) -> list[CrontabSchedule]:
    return [CrontabSchedule(**asdict(row), timezone="UTC") for row in columns(parse(frequency))]


def days_to(last: int) -> str:
    return ",".join(str(day) for day in range(1, last + 1))


def matches(schedule: crontab, moment: datetime) -> bool:
    """Celery's own rule, with the sets that it made of the columns."""
    return moment.minute in schedule.minute and moment.hour in schedule.hour and matches_day(schedule, moment)


def matches_day(schedule: crontab, day: datetime) -> bool:
    return (
        day.month in schedule.month_of_year
        and day.day in schedule.day_of_month
        and day.isoweekday() % 7 in schedule.day_of_week
    )


def minutes_between(schedule: crontab, after: datetime, before: datetime) -> list[datetime]:
    """All minutes strictly between that match, looked for only on the days that do."""
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (midnight + timedelta(days=day) for day in range((before - midnight).days + 1))
    times = sorted((hour, minute) for hour in schedule.hour for minute in schedule.minute)
    found = (day.replace(hour=h, minute=m) for day in days if matches_day(schedule, day) for h, m in times)
    return [moment for moment in found if after < moment < before]


def celery_times(schedule: crontab, after: datetime) -> Any:
    while True:
        last, delta, _now = schedule.remaining_delta(after)
        after = last + delta
        yield after


@pytest.mark.parametrize("case", VALID["cases"], ids=lambda case: f"{case['id']}")
def test_each_time_is_matched_by_exactly_one_row_and_nothing_between(case: dict[str, Any]) -> None:
    schedules = [row.schedule for row in beat_rows(case["expr"])]
    expected = moments(case["next"])
    for sooner, later in pairwise([START, *expected]):
        assert [matches(schedule, later) for schedule in schedules].count(True) == 1
        assert [minutes_between(schedule, sooner, later) for schedule in schedules] == [[]] * len(schedules)


@pytest.mark.parametrize("case", VALID["cases"], ids=lambda case: f"{case['id']}")
def test_beat_rings_at_these_times_and_once_each(case: dict[str, Any]) -> None:
    rings = merge(*(celery_times(row.schedule, START) for row in beat_rows(case["expr"])))
    assert list(islice(rings, 10)) == moments(case["next"])


@given(CASES, MOMENTS)
@patient
def test_one_row_matches_the_minutes_that_match_and_none_the_others(case: Case, start: datetime) -> None:
    assume(case.comes())
    schedules = [row.schedule for row in beat_rows(case.text)]
    start = start.replace(second=0, microsecond=0)
    for moment in (start + count * MINUTE for count in range(24 * 60)):
        matched = [matches(schedule, moment) for schedule in schedules].count(True)
        assert matched == int(case.matches(moment))


@given(CASES)
@patient
def test_one_row_matches_the_days_that_match_through_four_years(case: Case) -> None:
    assume(case.comes())
    schedules = [row.schedule for row in beat_rows(case.text)]
    hour, minute = min(case.fields[1].values), min(case.fields[0].values)
    first = datetime(2026, 1, 1, hour, minute, tzinfo=UTC)
    for moment in (first + timedelta(days=day) for day in range(4 * 365 + 1)):
        matched = [matches(schedule, moment) for schedule in schedules].count(True)
        assert matched == int(case.matches(moment))


@given(CASES)
@patient
def test_the_rows_pass_the_validation_of_beat_and_fit_its_columns(case: Case) -> None:
    assume(case.comes())
    for row in beat_rows(case.text):
        row.clean_fields()


@given(CASES)
@patient
def test_columns_are_numbers_in_order_or_a_star(case: Case) -> None:
    assume(case.comes())
    for text in (text for row in columns(parse(case.text)) for text in asdict(row).values()):
        if text != "*":
            numbers = [int(number) for number in text.split(",")]
            assert numbers == sorted(set(numbers))
            assert text == ",".join(map(str, numbers))


@given(CASES)
@patient
def test_a_single_row_reads_as_the_frequency_that_it_came_from(case: Case) -> None:
    assume(case.comes())
    expression = parse(case.text)
    rows = columns(expression)
    both_days = "*" not in (rows[0].day_of_month, rows[0].day_of_week)
    text = " ".join(asdict(rows[0]).values())
    assume(len(rows) == 1 and not both_days and len(text) <= 200)
    assert parse(text).canonical == expression.canonical


def test_the_longest_list_fits_its_column() -> None:
    (row,) = beat_rows("1-59 1-23 */2 1-11 *")
    row.clean_fields()
    assert len(row.minute) == 167


@pytest.mark.parametrize(
    ("frequency", "days"),
    [
        ("0 8 * * 1", [("*", "1")]),
        ("0 8 * * sun", [("*", "0")]),
        ("0 8 1,15 * *", [("1,15", "*")]),
        ("0 8 * * *", [("*", "*")]),
        ("0 8 */10 * 1", [("1,11,21,31", "1")]),
        ("0 8 13 * */3", [("13", "0,3,6")]),
        ("0 8 1-31 * 1", [("*", "*")]),
        ("0 8 13 * 0-6", [("*", "*")]),
        ("0 8 31 2 1", [("*", "1")]),
        ("0 8 1-29 2 1", [("*", "*")]),
        ("0 8 1-30 4 1", [("*", "*")]),
        ("0 8 1-30 * 1", [(days_to(30), "*"), ("31", "1")]),
        ("0 8 1-28 2 1", [(days_to(28), "*"), ("29", "1")]),
    ],
)
def test_two_rows_are_made_only_where_either_day_may_match(frequency: str, days: list[tuple[str, str]]) -> None:
    assert [(row.day_of_month, row.day_of_week) for row in columns(parse(frequency))] == days


def test_two_rows_differ_in_their_days_only() -> None:
    others = ",".join(str(day) for day in range(1, 32) if day != 13)
    assert columns(parse("30 8 13 */6 fri")) == (
        BeatColumns(minute="30", hour="8", day_of_month="13", month_of_year="1,7", day_of_week="*"),
        BeatColumns(minute="30", hour="8", day_of_month=others, month_of_year="1,7", day_of_week="5"),
    )
