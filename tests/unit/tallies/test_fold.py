"""Folding what has been noted into tallies."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deferapp.clock import now
from deferapp.models import Attempt, ErrorGroup, Tally, TallyEntry
from deferapp.tallies import fold, read
from deferapp.tallies.histogram import bucket
from tests.unit.rows import make_execution

pytestmark = pytest.mark.django_db

MAIL = "shop.defer.mail"
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NOON = now().replace(hour=12, minute=0, second=0, microsecond=0) - DAY
"""Of yesterday: minutes are kept since then."""
KEY = "0123456789abcdef"


def note(ended_at: datetime = NOON, outcome: str = "succeeded", function: str = MAIL, **fields: Any) -> TallyEntry:
    values = {"wait": SECOND, "duration": MINUTE, "execution_id": uuid4(), **fields}
    return TallyEntry.objects.create(function=function, outcome=outcome, ended_at=ended_at, **values)


def make_failure(ended_at: datetime, message: str = "no", **fields: Any) -> UUID:
    """A failed attempt, and what is noted of it."""
    execution = make_execution()
    times = {"started_at": ended_at - MINUTE, "ended_at": ended_at}
    said = {"error_type": "ValueError", "error_message": message, "place": "shop.mail:send", "error_key": KEY}
    Attempt.objects.create(execution=execution, number=1, outcome="failed", **{**times, **said, **fields})
    note(ended_at, "failed", error_key=KEY, execution_id=execution.id, number=1)
    return execution.id


def tallied(span: str, function: str = MAIL) -> dict[tuple[datetime, str, str], int]:
    rows = Tally.objects.filter(span=span, function=function)
    return {(row.begins_at, row.outcome, row.error_key): row.count for row in rows}


def at(hour: int, minute: int = 0) -> datetime:
    return NOON.replace(hour=hour, minute=minute)


def test_each_end_is_counted_in_its_minute_hour_quarter_and_day_and_noted_no_more() -> None:
    for moment in (at(12), at(12, 0) + 59 * SECOND, at(12, 1), at(13), at(19)):
        note(moment)
    assert fold.fold() == 5
    one = ("succeeded", "")
    assert tallied("minute") == {(at(12), *one): 2, (at(12, 1), *one): 1, (at(13), *one): 1, (at(19), *one): 1}
    assert tallied("hour") == {(at(12), *one): 3, (at(13), *one): 1, (at(19), *one): 1}
    assert tallied("6hours") == {(at(12), *one): 4, (at(18), *one): 1}
    assert tallied("day") == {(at(0), *one): 5}
    assert not TallyEntry.objects.exists()
    assert fold.fold() == 0


def test_what_is_counted_for_ever_is_of_each_function_and_tells_no_errors_apart() -> None:
    for moment, error_key in ((at(12), "a" * 16), (at(13), "b" * 16), (at(13) + 500 * DAY, "")):
        note(moment, "failed", error_key=error_key)
        fold.fold()
    ((began_at, outcome, error_key), count) = tallied("ever").popitem()
    assert (began_at < NOON - 1000 * DAY, outcome, error_key, count) == (True, "failed", "", 3)
    assert tallied("ever", "") == {}
    fold.prune()
    assert len(tallied("ever")) == 1


def test_later_ends_are_added_to_those_that_were_counted() -> None:
    for duration in (SECOND, MINUTE, MINUTE):
        note(duration=duration, wait=None)
        fold.fold()
    tally = Tally.objects.get(span="day", function=MAIL)
    assert tally.count == 3
    assert tally.durations == {str(bucket(SECOND)): 1, str(bucket(MINUTE)): 2}
    assert tally.waits == {}


def test_functions_outcomes_and_errors_are_counted_apart_and_together() -> None:
    note(outcome="failed", error_key=KEY)
    note(outcome="failed", error_key="f" * 16)
    note(outcome="failed", function="shop.defer.report")
    note(outcome="cancelled", wait=None, duration=None)
    fold.fold()
    assert tallied("day") == {(at(0), "failed", KEY): 1, (at(0), "failed", "f" * 16): 1, (at(0), "cancelled", ""): 1}
    assert tallied("day", "shop.defer.report") == {(at(0), "failed", ""): 1}
    assert tallied("day", "") == {(at(0), "failed", ""): 3, (at(0), "cancelled", ""): 1}


def test_what_is_folded_is_what_charts_show() -> None:
    moment = now()
    note(moment)
    note(moment, "failed", error_key=KEY, function="shop.defer.report")
    fold.fold()
    for key in read.RANGES:
        shown = read.time_range(key, moment)
        newest = read.series(shown)[-1][1]
        assert (newest.succeeded, newest.failed) == (1, 1)
        assert list(read.by_function(shown)) == [MAIL, "shop.defer.report"]
        (error,) = read.errors(shown)
        assert (error.group.function, error.count) == ("shop.defer.report", 1)


def test_more_than_fits_into_one_transaction_is_folded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "MOST_AT_ONCE", 3)
    for _ in range(7):
        note()
    assert fold.fold() == 7
    assert tallied("hour") == {(at(12), "succeeded", ""): 7}


def test_a_round_ends_in_time_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "MOST_AT_ONCE", 3)
    monkeypatch.setattr(fold, "ROUND", -1.0)
    for _ in range(7):
        note()
    assert [fold.fold() for _ in range(4)] == [3, 3, 1, 0]


def test_without_anything_to_fold_one_look_is_all() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert fold.fold() == 0
    assert len(queries) == 1


def test_the_number_of_statements_does_not_depend_on_how_much_is_folded() -> None:
    counts = []
    for number in (1, 30):
        for each in range(number):
            make_failure(NOON + each * SECOND)
            note(at(5, each), function=f"shop.defer.function{each}")
        with CaptureQueriesContext(connection) as queries:
            fold.fold()
        counts.append(len(queries))
    assert counts[1] <= counts[0] <= 24


@pytest.mark.parametrize(
    ("age", "spans"),
    [
        (DAY, {"minute", "hour", "6hours", "day", "ever"}),
        (3 * DAY, {"hour", "6hours", "day", "ever"}),
        (101 * DAY, {"day", "ever"}),
        (731 * DAY, {"ever"}),
    ],
)
def test_what_is_too_old_for_short_spans_is_counted_in_the_others_alone(age: timedelta, spans: set[str]) -> None:
    note(now() - age)
    fold.fold()
    assert set(Tally.objects.values_list("span", flat=True)) == spans
    assert not TallyEntry.objects.exists()


def test_a_group_of_errors_tells_its_first_its_last_and_what_that_said() -> None:
    make_failure(at(12, 5), "no street\nat all")
    fold.fold()
    last = make_failure(at(12, 9), "login failed: password=hunter2", error_type="", error_code="ER0003")
    make_failure(at(12, 7), "older")
    fold.fold()
    make_failure(at(12, 1), "noted late")
    fold.fold()
    group = ErrorGroup.objects.get()
    assert (group.key, group.function, group.place) == (KEY, MAIL, "shop.mail:send")
    assert (group.first_at, group.last_at, group.last_execution_id) == (at(12, 1), at(12, 9), last)
    assert group.error_type == "ER0003"
    assert "hunter2" not in group.message
    assert group.message.startswith("login failed: password=")


def test_the_message_of_a_group_is_one_line_and_fits() -> None:
    make_failure(NOON, "\n" + "x" * 5_000 + "\ny")
    fold.fold()
    assert ErrorGroup.objects.get().message == "x" * 500


def test_a_failure_that_is_deleted_before_it_is_folded_is_counted_all_the_same() -> None:
    make_failure(NOON)
    Attempt.objects.all().delete()
    fold.fold()
    group = ErrorGroup.objects.get()
    assert (group.function, group.error_type, group.message, group.last_at) == (MAIL, "", "", NOON)
    assert tallied("day") == {(at(0), "failed", KEY): 1}


def test_tallies_and_groups_go_when_no_page_shows_them() -> None:
    moment = now().replace(second=0, microsecond=0)
    kept = {"minute": 2, "hour": 100, "6hours": 100, "day": 730}
    for span, days in kept.items():
        for age in (days * DAY - MINUTE, days * DAY + MINUTE):
            Tally.objects.create(span=span, begins_at=moment - age, function=MAIL, outcome="failed")
    for key, age in (("old", 731 * DAY), ("new", 729 * DAY)):
        ErrorGroup.objects.create(key=key, function=MAIL, first_at=moment - 800 * DAY, last_at=moment - age)
    fold.prune()
    assert Tally.objects.count() == len(kept)
    assert {(row.span, (moment - row.begins_at).days) for row in Tally.objects.all()} == {
        (span, days - 1) for span, days in kept.items()
    }
    assert ErrorGroup.objects.get().key == "new"
