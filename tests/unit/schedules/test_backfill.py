"""Due moments of the past fire when somebody wants it, and none fires twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings

from deferapp.clock import now
from deferapp.exceptions import ScheduleError
from deferapp.executions import prune
from deferapp.executions.ids import due_id
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.schedules import manage
from deferapp.schedules.backfill import Backfill, backfill, look
from deferapp.schedules.sync import sync
from deferapp.schedules.tick import tick
from tests.unit.queue import MemoryQueue
from tests.unit.schedules.editing import NAME, declare, schedule

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def hours(*ago: int) -> list[datetime]:
    """The full hours so long ago, the first of them 1."""
    last = now().replace(minute=0, second=0, microsecond=0)
    return [last - number * HOUR for number in ago]


@pytest.fixture(autouse=True)
def hourly(no_schedules: None, queue: MemoryQueue) -> None:
    declare("0 * * * *")


def decide(*moments: datetime, fired: bool) -> None:
    DueMoment.objects.bulk_create(
        DueMoment(schedule=schedule(), due_at=each, decided_at=each, execution_id=due_id(NAME, each) if fired else None)
        for each in moments
    )


def test_what_was_missed_or_never_decided_fires_and_what_fired_does_not(queue: MemoryQueue) -> None:
    first, second, third = hours(3, 2, 1)
    decide(first, fired=True)
    decide(second, fired=False)
    queue.take()
    before = now()
    expected = Backfill(fires=(second, third), missed=1, already_fired=1)
    assert look(schedule(), first, third) == expected
    assert backfill(schedule(), first, third, by="ada") == expected
    executions = Execution.objects.order_by("created_at")
    assert [each.pk for each in executions] == [due_id(NAME, second), due_id(NAME, third)]
    assert all(before <= each.due_at <= now() < each.dispatch_at for each in executions)
    assert all(DueMoment.objects.values_list("execution_id", flat=True))
    assert DueMoment.objects.count() == 3
    assert DueMoment.objects.get(due_at=second).decided_at >= before


def test_a_second_time_nothing_fires() -> None:
    first, last = hours(5, 1)
    assert len(backfill(schedule(), first, last).fires) == 5
    assert backfill(schedule(), first, last) == Backfill(fires=(), missed=0, already_fired=5)
    assert Execution.objects.count() == DueMoment.objects.count() == 5


def test_both_ends_are_included_and_nothing_else() -> None:
    first, last = hours(4, 2)
    assert look(schedule(), first, last).fires == tuple(hours(4, 3, 2))
    assert look(schedule(), first + MINUTE, last - MINUTE).fires == tuple(hours(3))


def test_what_will_be_decided_soon_is_left_to_the_schedule() -> None:
    first, second, third = hours(3, 2, 1)
    Schedule.objects.update(next_due_at=second)
    assert look(schedule(), first, now() + 24 * HOUR).fires == (first,)
    manage.pause(schedule())
    assert look(schedule(), first, now() + 24 * HOUR).fires == (first, second, third, *hours(0))


def test_after_a_backfill_the_schedule_goes_on_as_before() -> None:
    due = schedule().next_due_at
    backfill(schedule(), hours(2)[0], hours(1)[0])
    assert tick(now()) == 0
    assert (schedule().next_due_at, schedule().edited_at) == (due, None)


@pytest.mark.parametrize(
    ("begins", "ends", "problem"),
    [
        (1, 2, "ends before it begins"),
        (-5, -10, "no due moment"),
        (1_001, 1, "more than 1,000 due moments"),
        (91 * 24, 90 * 24, "not known any more"),
    ],
)
def test_a_range_that_is_none_is_too_long_or_too_old_is_refused(begins: int, ends: int, problem: str) -> None:
    for act in (look, backfill):
        with pytest.raises(ScheduleError, match=problem):
            act(schedule(), *hours(begins, ends))
    assert not Execution.objects.exists()


def test_a_thousand_moments_fire_at_once() -> None:
    assert len(backfill(schedule(), *hours(1_000, 1)).fires) == 1_000
    assert Execution.objects.count() == DueMoment.objects.count() == 1_000


def test_what_is_kept_for_ever_may_be_as_old_as_one_likes(settings: LazySettings) -> None:
    settings.DEFER = {"RETENTION": None}
    assert len(look(schedule(), *hours(24 * 365, 24 * 365 - 9)).fires) == 10


def test_what_fired_and_is_kept_no_longer_does_not_fire_again(settings: LazySettings) -> None:
    settings.DEFER = {"RETENTION": 0}
    backfill(schedule(), *hours(49, 49))
    Execution.objects.update(state=State.SUCCEEDED, ended_at=now())
    prune.prune()
    assert not Execution.objects.exists()
    assert backfill(schedule(), *hours(50, 48)).already_fired == 1
    assert Execution.objects.count() == 2


def test_a_schedule_that_has_changed_since_it_was_looked_at_is_not_backfilled() -> None:
    manage.edit(schedule(), "30 * * * *")
    with pytest.raises(ScheduleError, match="changed meanwhile"):
        backfill(schedule(), *hours(3, 1), seen="0 * * * *")
    assert not Execution.objects.exists()


def test_a_function_that_is_gone_from_the_code_is_not_backfilled() -> None:
    registry._functions.clear()
    for act in (look, backfill):
        with pytest.raises(ScheduleError, match="gone from the code"):
            act(schedule(), *hours(3, 1))
    sync()
    with pytest.raises(ScheduleError, match="gone from the code"):
        look(schedule(), *hours(3, 1))
