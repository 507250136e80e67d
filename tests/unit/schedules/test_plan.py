"""Which moments fire, which are missed, and what is left to the next tick."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deferapp.cron import next_times
from deferapp.schedules.plan import MOST_AT_ONCE, ON_TIME, Plan, plan
from tests.unit.cron.cases import patient

MINUTE = timedelta(minutes=1)
EIGHT = datetime(2026, 11, 23, 8, tzinfo=UTC)
EVERY_MINUTE = "* * * * *"
MICROSECOND = timedelta(microseconds=1)


def minutes(*numbers: int) -> tuple[datetime, ...]:
    return tuple(EIGHT + number * MINUTE for number in numbers)


@pytest.mark.parametrize("catch_up", ["latest", "all", "none"])
def test_a_moment_that_is_on_time_fires_by_every_policy(catch_up: str) -> None:
    assert plan(EVERY_MINUTE, catch_up, EIGHT, EIGHT) == Plan(fire=(EIGHT,), missed=(), next_due_at=EIGHT + MINUTE)


@pytest.mark.parametrize(
    ("catch_up", "fire", "missed"),
    [
        ("latest", minutes(3), minutes(0, 1, 2)),
        ("all", minutes(0, 1, 2, 3), ()),
        ("none", (), minutes(0, 1, 2, 3)),
    ],
)
def test_what_passed_while_nothing_ran_is_decided_by_policy(
    catch_up: str, fire: tuple[datetime, ...], missed: tuple[datetime, ...]
) -> None:
    late = EIGHT + 3 * MINUTE + 2 * ON_TIME
    assert plan(EVERY_MINUTE, catch_up, EIGHT, late) == Plan(fire=fire, missed=missed, next_due_at=EIGHT + 4 * MINUTE)


@pytest.mark.parametrize(("lateness", "fires"), [(ON_TIME, True), (ON_TIME + MICROSECOND, False)])
def test_without_catch_up_a_moment_fires_as_long_as_it_is_on_time(lateness: timedelta, fires: bool) -> None:
    decided = plan(EVERY_MINUTE, "none", EIGHT, EIGHT + lateness)
    assert (decided.fire, decided.missed) == (((EIGHT,), ()) if fires else ((), (EIGHT,)))


def test_without_catch_up_the_moment_that_is_on_time_fires_and_those_before_are_missed() -> None:
    decided = plan(EVERY_MINUTE, "none", EIGHT, EIGHT + 2 * MINUTE + ON_TIME)
    assert (decided.fire, decided.missed) == (minutes(2), minutes(0, 1))


@pytest.mark.parametrize("count", [MOST_AT_ONCE - 1, MOST_AT_ONCE, MOST_AT_ONCE + 1, 2 * MOST_AT_ONCE + 7])
@pytest.mark.parametrize("catch_up", ["latest", "all", "none"])
def test_a_long_outage_is_worked_off_in_parts_with_the_same_outcome(catch_up: str, count: int) -> None:
    last = EIGHT + (count - 1) * MINUTE
    now = last + timedelta(seconds=30)
    fire: list[datetime] = []
    missed: list[datetime] = []
    next_due_at = EIGHT
    while next_due_at <= now:
        part = plan(EVERY_MINUTE, catch_up, next_due_at, now)
        assert len(part.fire) + len(part.missed) <= MOST_AT_ONCE
        fire += part.fire
        missed += part.missed
        next_due_at = part.next_due_at
    everything = [EIGHT + number * MINUTE for number in range(count)]
    assert next_due_at == last + MINUTE
    assert sorted(fire + missed) == everything
    assert fire == {"latest": [last], "all": everything, "none": []}[catch_up]


def test_a_frequency_whose_last_moment_is_long_ago_still_runs_its_latest() -> None:
    decided = plan("0 8 * * 1", "latest", EIGHT, EIGHT + timedelta(days=6))
    assert (decided.fire, decided.next_due_at) == ((EIGHT,), EIGHT + timedelta(days=7))


def test_a_moment_that_the_frequency_no_longer_names_fires_and_the_next_is_the_frequencys() -> None:
    decided = plan("30 9 * * *", "all", EIGHT, EIGHT + timedelta(hours=2))
    assert decided.fire == (EIGHT, EIGHT + timedelta(hours=1, minutes=30))


@given(
    st.sampled_from(["* * * * *", "*/7 * * * *", "0 0 13 * 5", "15,45 3 * * *", "0 0 29 2 *"]),
    st.sampled_from(["latest", "all", "none"]),
    st.timedeltas(timedelta(), timedelta(hours=8)),
)
@patient
def test_each_moment_is_decided_once_and_the_next_is_later_than_now(
    frequency: str, catch_up: str, late: timedelta
) -> None:
    (first,) = next_times(frequency, after=EIGHT, count=1)
    decided = plan(frequency, catch_up, first, first + late)
    later = next_times(frequency, after=first, count=500)
    assert sorted(decided.fire + decided.missed) == [first, *(each for each in later if each <= first + late)]
    assert decided.next_due_at > first + late
    assert len(decided.fire) <= 1 or catch_up == "all"
