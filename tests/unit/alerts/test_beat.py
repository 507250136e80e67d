"""The alert that beat is silent: when it is opened and closed, and when it would be a false alarm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deferapp.clock import now
from deferapp.models import Alert, Housekeeping, Schedule
from deferapp.schedules import TICK, silence
from deferapp.workers.alarms import beat
from deferapp.workers.alarms.beat import watch
from tests.unit.alerts.test_life import Told

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)


@dataclass
class House:
    """What the worker that keeps house finds."""

    waiting: int | Exception = 0
    """Messages in the queue that beat rings by."""
    looks: int = 0
    """How often the broker was asked."""

    def messages(self, name: str) -> int:
        assert name == TICK
        self.looks += 1
        if isinstance(self.waiting, Exception):
            raise self.waiting
        return self.waiting

    def owe(self, since: timedelta) -> None:
        Housekeeping.objects.update(ring_owed_since=now() - since)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    """A worker keeps house, with a schedule, and with a broker that others reach too."""
    house = House()
    for module in (silence, beat):
        monkeypatch.setattr(module, "is_in_memory", lambda: False)
    monkeypatch.setattr(beat.broker, "waiting", house.messages)
    Schedule.objects.create(function="shop.defer.nightly", declared_frequency="@daily", frequency="@daily")
    Housekeeping.objects.update_or_create(pk=1, defaults={"lease_until": now() + timedelta(hours=3)})
    return house


def test_it_is_opened_once_when_beat_has_been_silent_for_longer_than_the_limit(house: House, told: Told) -> None:
    house.owe(59 * SECOND)
    watch(may_open=True)
    assert not Alert.objects.exists()
    house.owe(61 * SECOND)
    for _ in range(3):
        watch(may_open=True)
    alert = Alert.objects.get()
    assert f"{now() - 61 * SECOND:%Y-%m-%d %H:%M}" in alert.text or f"{now() - 62 * SECOND:%H:%M}" in alert.text
    assert "celery beat" in alert.text
    assert told == [("alerted", alert)]


def test_it_is_closed_when_beat_rings_again(house: House, told: Told) -> None:
    house.owe(61 * SECOND)
    watch(may_open=True)
    silence.heard_ring()
    for _ in range(3):
        watch(may_open=True)
    assert not Alert.objects.get().is_open
    assert [name for name, _ in told] == ["alerted", "recovered"]


def test_it_is_closed_when_no_schedule_is_active_any_more(house: House) -> None:
    house.owe(61 * SECOND)
    watch(may_open=True)
    Schedule.objects.update(is_paused=True)
    watch(may_open=True)
    assert not Alert.objects.get().is_open


def test_a_worker_whose_lease_has_run_out_in_a_long_round_does_not_close_it(house: House) -> None:
    house.owe(61 * SECOND)
    watch(may_open=True)
    Housekeeping.objects.update(lease_until=now() - SECOND)
    watch(may_open=True)
    assert Alert.objects.get().is_open


def test_it_is_not_opened_while_messages_wait_since_the_ring_may_be_among_them(house: House) -> None:
    house.owe(61 * SECOND)
    house.waiting = 1
    watch(may_open=True)
    assert not Alert.objects.exists()
    house.waiting = 0
    watch(may_open=True)
    assert Alert.objects.exists()


def test_a_ring_that_was_owed_while_the_broker_was_away_is_not_waited_for(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.owe(SECOND)
    house.waiting = ConnectionError("refused")
    watch(may_open=True)
    assert silence.owed_since() is None
    assert "refused" in caplog.text
    house.waiting = 0
    house.owe(61 * SECOND)
    watch(may_open=True)
    assert Alert.objects.exists()


def test_it_is_not_opened_before_the_worker_has_been_in_touch_with_the_database_for_a_while(house: House) -> None:
    house.owe(61 * SECOND)
    watch(may_open=False)
    assert not Alert.objects.exists()


def test_an_embedded_worker_has_no_beat(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.owe(61 * SECOND)
    monkeypatch.setattr(beat, "is_in_memory", lambda: True)
    watch(may_open=True)
    assert not Alert.objects.exists()


def test_a_round_in_which_all_is_well_costs_two_queries_and_asks_no_broker(house: House) -> None:
    with CaptureQueriesContext(connection) as queries:
        watch(may_open=True)
    assert (len(queries), house.looks) == (2, 0)


def test_while_it_is_open_no_broker_is_asked(house: House) -> None:
    house.owe(61 * SECOND)
    watch(may_open=True)
    looks = house.looks
    with CaptureQueriesContext(connection) as queries:
        watch(may_open=True)
    assert (len(queries), house.looks) == (2, looks)
