"""Beat that is silent, schedules that do not fire, and schedules of another release."""

from __future__ import annotations

import pytest

from deferapp.clock import now
from deferapp.health import schedules
from deferapp.health.finding import Severity
from deferapp.models import Housekeeping, Schedule, Worker
from tests.unit.health.conftest import found, ids
from tests.unit.rows import MINUTE

pytestmark = pytest.mark.django_db

WEEKLY = "marketplace.defer.weekly_product_recommendations"


def test_schedules_that_are_as_the_code_says_have_no_finding(worker: Worker) -> None:
    assert Schedule.objects.update(next_due_at=now() + MINUTE)
    looks = (schedules.beat_rings, schedules.fire, schedules.are_those_of_the_code)
    assert [ids(look) for look in looks] == [[]] * 3


def test_a_ring_that_beat_owes_for_long_is_a_warning(worker: Worker) -> None:
    Housekeeping.objects.update(ring_owed_since=now() - 10 * MINUTE)
    [finding] = found(schedules.beat_rings)
    assert (finding.id, finding.severity) == ("D030", Severity.WARNING)
    assert "10 min" in finding.what
    assert "beat --scheduler django_celery_beat" in finding.remedy[0]


def test_a_schedule_that_is_due_and_does_not_fire_is_told_if_a_worker_had_the_time(worker: Worker) -> None:
    Schedule.objects.filter(function=WEEKLY).update(next_due_at=now() - MINUTE)
    [finding] = found(schedules.fire)
    assert finding.id == "D031"
    assert WEEKLY in finding.what
    Worker.objects.update(started_at=now())
    assert ids(schedules.fire) == []


def test_a_paused_schedule_does_not_fire_and_is_not_told(worker: Worker) -> None:
    Schedule.objects.update(next_due_at=now() - MINUTE, is_paused=True)
    assert ids(schedules.fire) == []


@pytest.mark.parametrize("change", ["gone", "other frequency", "not in the code"])
def test_schedules_that_are_not_those_of_the_code_are_told(change: str) -> None:
    schedule = Schedule.objects.get(function=WEEKLY)
    if change == "gone":
        schedule.delete()
    elif change == "other frequency":
        Schedule.objects.filter(pk=schedule.pk).update(declared_frequency="0 0 * * *")
    else:
        schedule.pk, schedule.function = None, "shop.defer.of_yesterday"
        schedule.save()
    [finding] = found(schedules.are_those_of_the_code)
    assert finding.id == "D032"
    assert schedule.function in finding.what
