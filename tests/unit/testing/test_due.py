"""Travelling to a moment: what is due then fires, once, and runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from deferapp import clock
from deferapp.executions.states import State
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.testing import failing, run_due
from tests.unit.testing import functions
from tests.unit.testing.functions import did

pytestmark = pytest.mark.django_db

MONDAY = datetime(2025, 2, 10, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def names(executions: list[Execution]) -> list[str]:
    return sorted(each.function.rpartition(".")[2] for each in executions)


@pytest.mark.parametrize("week", [timedelta(), timedelta(weeks=500)], ids=["past", "future"])
def test_what_is_due_on_monday_at_eight_fires_and_runs(week: timedelta) -> None:
    ran = run_due(MONDAY + week)
    assert names(ran) == ["each_hour", "on_monday"]
    assert sorted(did) == ["each_hour", "on_monday"]
    assert {(each.due_at, each.state) for each in ran} == {(MONDAY + week, State.SUCCEEDED)}


def test_what_was_due_before_does_not_fire() -> None:
    assert names(run_due(MONDAY + timedelta(days=1))) == ["each_hour"]
    assert set(DueMoment.objects.values_list("due_at", flat=True)) == {MONDAY + timedelta(days=1)}


def test_a_minute_in_which_nothing_is_due_fires_nothing() -> None:
    assert run_due(MONDAY + timedelta(minutes=1)) == []


def test_any_second_of_the_minute_will_do() -> None:
    assert names(run_due(MONDAY + timedelta(seconds=59))) == ["each_hour", "on_monday"]


def test_a_moment_fires_once_however_often_one_travels_there() -> None:
    run_due(MONDAY)
    assert run_due(MONDAY) == []
    assert names(run_due(MONDAY + timedelta(weeks=1))) == ["each_hour", "on_monday"]


def test_only_the_functions_that_are_named_fire() -> None:
    assert names(run_due(MONDAY, functions.on_monday)) == ["on_monday"]
    assert did == ["on_monday"]


def test_a_schedule_that_is_paused_does_not_fire() -> None:
    run_due(MONDAY)
    Schedule.objects.filter(function=functions.on_monday.name).update(is_paused=True)
    assert names(run_due(MONDAY + timedelta(weeks=1))) == ["each_hour"]


def test_a_delay_that_is_over_by_then_has_ended() -> None:
    functions.add.options(delay="2h")(1)
    later = functions.add.options(delay="4h")(2)
    ran = run_due(clock.now() + 3 * HOUR, functions.add)
    assert did == [("add", 1, 0)]
    assert [each.result for each in ran] == [1]
    assert ran[0].started_at is not None
    assert ran[0].started_at - ran[0].created_at >= 3 * HOUR
    later.refresh_from_db()
    assert later.state == State.CREATED


def test_a_retry_begins_after_the_moment() -> None:
    with failing(functions.on_monday, TimeoutError):
        (ran,) = run_due(MONDAY, functions.on_monday)
    assert ran.attempt == 2
    assert ran.ended_at is not None
    assert timedelta(seconds=15) <= ran.ended_at - MONDAY < timedelta(minutes=1)


def test_a_time_without_a_zone_is_read_in_the_projects() -> None:
    assert names(run_due(datetime(2025, 2, 10, 8))) == ["each_hour", "on_monday"]  # noqa: DTZ001


def test_afterwards_it_is_now_again_and_what_is_enqueued_comes_later() -> None:
    before = clock.now()
    run_due(before + timedelta(weeks=500))
    assert before <= functions.add(1).created_at < before + HOUR
