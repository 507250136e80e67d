"""Whether beat is silent: what it owes, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from deferapp.clock import now
from deferapp.dispatch.broker import celery_app
from deferapp.models import Housekeeping, Schedule
from deferapp.schedules import TICK, silence
from deferapp.schedules.tick import tick
from deferapp.workers import hooks
from tests.unit.parallel import at_once

pytestmark = pytest.mark.usefixtures("no_schedules", "house", "queue")

SECOND = timedelta(seconds=1)
LIMIT = 60 * SECOND


@pytest.fixture
def house(db: None, monkeypatch: pytest.MonkeyPatch) -> Housekeeping:
    """A worker keeps house, with a broker that others reach too, and one schedule is active."""
    monkeypatch.setattr(silence, "is_in_memory", lambda: False)
    silence.received.clear()
    Schedule.objects.create(function="shop.defer.nightly", declared_frequency="@daily", frequency="@daily")
    return Housekeeping.objects.update_or_create(pk=1, defaults={"lease_until": now() + timedelta(hours=3)})[0]


def later(by: timedelta) -> None:
    """Let the time pass, for what the row remembers."""
    row = Housekeeping.objects.get()
    for name in ("rung_at", "ring_owed_since"):
        moment = getattr(row, name)
        setattr(row, name, moment and moment - by)
    row.save()


def fire() -> None:
    """Let a moment of the schedule be due now, and tick as housekeeping does."""
    moment = now()
    Schedule.objects.update(next_due_at=moment)
    assert tick(moment) == 1


def about_now(moment: datetime | None, ago: timedelta = timedelta()) -> bool:
    return moment is not None and abs(now() - ago - moment) < 20 * SECOND


def test_beat_owes_nothing_where_no_schedule_has_fired() -> None:
    assert (silence.owed_since(), silence.silent_since()) == (None, None)


def test_a_schedule_that_fires_without_a_ring_lets_beat_owe_one_and_after_the_limit_it_is_silent() -> None:
    fire()
    assert about_now(silence.owed_since())
    assert silence.silent_since() is None
    later(LIMIT + SECOND)
    assert silence.silent_since() == silence.owed_since()
    assert about_now(silence.silent_since(), ago=LIMIT)


@pytest.mark.parametrize(("limit", "is_silent"), [(5, True), (600, False)])
def test_the_limit_is_a_setting(limit: float, is_silent: bool) -> None:
    fire()
    later(LIMIT)
    with override_settings(DEFER={"BEAT_LIMIT": limit}):
        assert (silence.silent_since() is not None) is is_silent


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_moments_are_the_databases_whatever_the_time_zone(zone: str) -> None:
    with override_settings(USE_TZ=False, TIME_ZONE=zone):
        fire()
        assert about_now(silence.owed_since())
        assert silence.silent_since() is None
        later(LIMIT + SECOND)
        assert about_now(silence.silent_since(), ago=LIMIT)


def test_a_ring_pays_what_beat_owes() -> None:
    fire()
    later(2 * LIMIT)
    silence.heard_ring()
    assert (silence.owed_since(), silence.silent_since()) == (None, None)
    assert about_now(Housekeeping.objects.get().rung_at)


def test_the_task_that_beat_rings_is_heard() -> None:
    fire()
    celery_app().tasks[TICK]()
    assert silence.owed_since() is None


def test_a_ring_that_comes_a_little_before_the_schedule_fires_counts() -> None:
    silence.heard_ring()
    later(10 * SECOND)
    fire()
    assert silence.owed_since() is None


def test_a_ring_of_an_earlier_moment_does_not_count() -> None:
    silence.heard_ring()
    later(LIMIT)
    fire()
    assert silence.owed_since() is not None


@pytest.mark.parametrize(("use_tz", "zone"), [(True, "UTC"), (False, "America/New_York")])
def test_a_worker_whose_clock_is_behind_fires_after_the_ring_which_counts(use_tz: bool, zone: str) -> None:
    with override_settings(USE_TZ=use_tz, TIME_ZONE=zone):
        due = now()
        silence.heard_ring()
        later(40 * SECOND)
        silence.owe_ring(due - 30 * SECOND)
        assert silence.owed_since() is None
        silence.owe_ring(due - 20 * SECOND)
        assert about_now(silence.owed_since())


@pytest.mark.parametrize(("use_tz", "zone"), [(True, "UTC"), (False, "America/New_York")])
def test_a_worker_whose_clock_is_ahead_fires_early_and_beat_owes_nothing_before_the_moment(
    use_tz: bool, zone: str
) -> None:
    with override_settings(USE_TZ=use_tz, TIME_ZONE=zone):
        due = now() + timedelta(minutes=5)
        silence.owe_ring(due)
        assert silence.owed_since() == due
        later(timedelta(minutes=6) - SECOND)
        assert silence.silent_since() is None
        later(20 * SECOND)
        assert silence.silent_since() is not None


def test_beat_is_silent_since_the_first_moment_for_which_it_did_not_ring() -> None:
    fire()
    later(LIMIT - SECOND)
    first = silence.owed_since()
    fire()
    assert silence.owed_since() == first
    later(2 * SECOND)
    assert silence.silent_since() == silence.owed_since()


@pytest.mark.parametrize("change", [{"is_paused": True}, {"is_declared": False}])
def test_beat_owes_nothing_when_no_schedule_is_active(change: dict[str, bool]) -> None:
    fire()
    later(2 * LIMIT)
    Schedule.objects.update(**change)
    assert (silence.owed_since(), silence.silent_since()) == (None, None)


def test_nobody_says_that_beat_is_silent_while_no_worker_would_hear_it() -> None:
    fire()
    later(2 * LIMIT)
    Housekeeping.objects.update(lease_until=now() - SECOND)
    assert silence.silent_since() is None
    assert silence.owed_since() is not None


def test_a_broker_in_memory_has_no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "is_in_memory", lambda: True)
    fire()
    assert silence.owed_since() is None


def test_what_is_forgiven_is_owed_no_more() -> None:
    fire()
    silence.forgive()
    assert silence.owed_since() is None


def test_a_ring_that_has_reached_the_worker_is_written_down_when_the_database_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away() -> None:
        raise OperationalError("away")

    fire()
    hooks._on_received(SimpleNamespace(task_name=TICK))
    with monkeypatch.context() as patched:
        patched.setattr(silence, "heard_ring", away)
        with pytest.raises(OperationalError):
            silence.write_received()
    assert silence.owed_since() is not None
    silence.write_received()
    assert silence.owed_since() is None
    assert not silence.received.is_set()


def test_another_task_is_no_ring() -> None:
    hooks._on_received(SimpleNamespace(task_name="shop.defer.nightly"))
    assert not silence.received.is_set()


def owe_ring() -> None:
    silence.owe_ring(now())


@pytest.mark.parametrize("ask", [silence.heard_ring, owe_ring, silence.owed_since, silence.silent_since])
def test_each_step_is_one_statement(ask: Callable[[], object]) -> None:
    with CaptureQueriesContext(connection) as queries:
        ask()
    assert len(queries) == 1


def test_before_any_worker_has_kept_house_nothing_is_owed() -> None:
    Housekeeping.objects.all().delete()
    silence.heard_ring()
    fire()
    assert (silence.owed_since(), silence.silent_since()) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_a_ring_and_ticks_at_the_same_time_leave_nothing_owed() -> None:
    for _ in range(3):
        silence.heard_ring()
        later(LIMIT)
        at_once(owe_ring, silence.heard_ring, owe_ring)
        assert silence.owed_since() is None
