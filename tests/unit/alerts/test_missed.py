"""The alert that a schedule did not run, made in the tick that decides it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from deferapp.functions import registry
from deferapp.models import Alert, AlertKind, Schedule
from deferapp.schedules.tick import tick
from tests.unit.rows import function_named

pytestmark = pytest.mark.django_db(transaction=True)

EIGHT = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> Schedule:
    """Each minute, and what is missed is not made up for. Earlier tests may have left others."""
    Schedule.objects.all().delete()
    monkeypatch.setattr(registry, "_functions", {"shop.defer.nightly": function_named("shop.defer.nightly")})
    return Schedule.objects.create(
        function="shop.defer.nightly",
        declared_frequency="* * * * *",
        frequency="* * * * *",
        catch_up="none",
        next_due_at=EIGHT,
    )


def test_moments_that_passed_are_one_incident_with_their_number(schedule: Schedule) -> None:
    tick(EIGHT + 9.5 * MINUTE)
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.count, alert.is_open) == (
        AlertKind.SCHEDULE_MISSED,
        "shop.defer.nightly",
        10,
        True,
    )
    assert "10 times from 2026-11-23 08:00 to 2026-11-23 08:09 UTC" in alert.text
    assert alert.details["function"] == "shop.defer.nightly"


def test_a_schedule_that_fires_again_and_misses_nothing_works_again(schedule: Schedule) -> None:
    tick(EIGHT + 9.5 * MINUTE)
    tick(EIGHT + 10 * MINUTE)
    assert not Alert.objects.get().is_open


def test_a_schedule_that_fires_on_time_is_no_incident(schedule: Schedule) -> None:
    tick(EIGHT)
    tick(EIGHT + MINUTE)
    assert not Alert.objects.exists()


def test_one_that_goes_on_missing_is_counted_up(schedule: Schedule) -> None:
    tick(EIGHT + 1.5 * MINUTE)
    tick(EIGHT + 4.5 * MINUTE)
    assert Alert.objects.get().count == 5


def test_what_is_made_up_for_in_part_is_told_too(schedule: Schedule) -> None:
    Schedule.objects.update(catch_up="latest")
    tick(EIGHT + 1.5 * MINUTE)
    alert = Alert.objects.get()
    assert (alert.count, alert.is_open) == (1, True)
    assert "due at 2026-11-23 08:00 UTC" in alert.text


def test_a_tick_that_is_rolled_back_tells_nothing(schedule: Schedule) -> None:
    with transaction.atomic():
        tick(EIGHT + 9.5 * MINUTE)
        transaction.set_rollback(True)
    assert not Alert.objects.exists()
