"""The tick: what is due fires once, whoever ticks and however often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from deferapp import clock
from deferapp.executions.ids import due_id
from deferapp.executions.states import State
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.schedules.tick import tick
from tests.unit.queue import MemoryQueue

pytestmark = pytest.mark.usefixtures("no_schedules", "queue")

MINUTE = timedelta(minutes=1)
EIGHT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def make_schedule(function: str = "shop.defer.nightly", **fields: object) -> Schedule:
    values = {"declared_frequency": "* * * * *", "frequency": "* * * * *", "next_due_at": EIGHT}
    return Schedule.objects.create(**{"function": function, **values, **fields})


def test_a_schedule_that_is_due_makes_one_execution_of_its_moment() -> None:
    schedule, before = make_schedule(), clock.now()
    assert tick(EIGHT + timedelta(seconds=1)) == 1
    execution = Execution.objects.get()
    assert (execution.pk, execution.function) == (due_id("shop.defer.nightly", EIGHT), "shop.defer.nightly")
    assert (execution.state, execution.due_at, execution.arguments_json) == (State.CREATED, EIGHT, "{}")
    assert execution.created_at >= before
    assert execution.dispatch_at > execution.created_at
    moment = DueMoment.objects.get()
    assert (moment.schedule, moment.due_at, moment.execution) == (schedule, EIGHT, execution)
    schedule.refresh_from_db()
    assert schedule.next_due_at == EIGHT + MINUTE


def test_ticking_twice_fires_once() -> None:
    make_schedule()
    assert [tick(EIGHT), tick(EIGHT)] == [1, 0]
    assert Execution.objects.count() == DueMoment.objects.count() == 1


def test_a_moment_that_comes_up_again_is_not_fired_again() -> None:
    schedule = make_schedule()
    tick(EIGHT)
    Execution.objects.update(state=State.SUCCEEDED)
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=EIGHT)
    tick(EIGHT)
    assert Execution.objects.get().state == State.SUCCEEDED
    assert DueMoment.objects.count() == 1


def test_nothing_fires_before_it_is_due() -> None:
    make_schedule()
    assert tick(EIGHT - timedelta(microseconds=1)) == 0
    assert not Execution.objects.exists()


@pytest.mark.parametrize("fields", [{"is_paused": True}, {"is_declared": False}, {"next_due_at": None}])
def test_a_schedule_that_is_paused_or_gone_does_not_fire(fields: dict[str, object]) -> None:
    make_schedule(**fields)
    assert tick(EIGHT + MINUTE) == 0
    assert not DueMoment.objects.exists()


@pytest.mark.parametrize(("catch_up", "fired"), [("latest", 1), ("all", 1_201), ("none", 0)])
def test_a_long_outage_is_caught_up_by_policy_in_one_tick(catch_up: str, fired: int) -> None:
    schedule = make_schedule(catch_up=catch_up)
    assert tick(EIGHT + 1_200 * MINUTE + timedelta(seconds=40)) == fired
    assert DueMoment.objects.count() == 1_201
    assert DueMoment.objects.filter(execution__isnull=False).count() == Execution.objects.count() == fired
    schedule.refresh_from_db()
    assert schedule.next_due_at == EIGHT + 1_201 * MINUTE


def test_several_schedules_fire_together() -> None:
    for number in range(3):
        make_schedule(f"shop.defer.f{number}")
    assert tick(EIGHT + MINUTE) == 3
    assert set(Execution.objects.values_list("function", flat=True)) == {f"shop.defer.f{number}" for number in range(3)}


@pytest.mark.django_db(transaction=True)
def test_what_fires_is_published_when_it_is_committed(queue: MemoryQueue) -> None:
    make_schedule()
    tick(EIGHT)
    (message,) = queue.take()
    assert (message.task, message.ids) == ("shop.defer.nightly", [due_id("shop.defer.nightly", EIGHT)])
