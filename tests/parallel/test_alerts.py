"""Incidents and their messages, with several housekeepers at once: each message is made once, and sent by one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from django.conf import LazySettings

from deferapp.alerts import channels, failures, life, plan, send
from deferapp.alerts.channels import Answer, Channel
from deferapp.alerts.message import Message
from deferapp.alerts.send import Sender
from deferapp.clock import now
from deferapp.models import Alert, AlertKind, Delivery, TallyEntry
from deferapp.tallies.fold import fold
from tests.parallel.actors import Pause, at_once
from tests.parallel.conftest import Actors
from tests.parallel.databases import Database
from tests.unit.alerts.rows import FUNCTION, entries, later, make_failed

ROUNDS = 5


@pytest.fixture(autouse=True)
def received(database: Database, monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Iterator[list[int]]:
    """The deliveries whose messages one channel has received."""
    received: list[int] = []

    def take(_channel: Channel, message: Message, _thread: str = "") -> Answer:
        received.append(message.delivery_id)
        return Answer()

    monkeypatch.setattr(channels, "send", take)
    settings.DEFER = {"ALERTS": [{"call": "shop.tell", "name": "slack"}]}
    yield received
    # They refer to alerts, which are emptied by tables.
    Delivery.objects.all().delete()


def keep_house() -> None:
    """What concerns alerts in a round."""
    fold()
    plan.look()
    Sender().send_due()


def test_of_an_incident_that_several_find_there_is_one_row_with_all_that_happened(actors: Actors) -> None:
    executions = [make_failed() for _ in range(4)]
    calls = [partial(failures.record, entries([each])) for each in executions]
    at_once(actors(4), *calls)
    assert Alert.objects.get().count == 4
    assert len(Alert.objects.get().details["named"]) == 4


def test_several_housekeepers_make_each_message_once_and_send_it_once(actors: Actors, received: list[int]) -> None:
    crowd = actors(3)
    for number in range(ROUNDS):
        noted = entries([make_failed(key=f"{number:016}", function=f"{FUNCTION}{number}") for _ in range(3)])
        for end in noted:
            TallyEntry.objects.create(**{**end._asdict(), "error_key": f"{number:016}"})
        for _ in range(3):
            at_once(crowd, *[keep_house] * 3)
            later(send.PACE)
    for _ in range(ROUNDS):
        at_once(crowd, *[keep_house] * 3)
        later(send.PACE)
    assert [alert.count for alert in Alert.objects.all()] == [3] * ROUNDS
    assert Delivery.objects.count() == ROUNDS
    assert sorted(received) == sorted(set(received)) == sorted(Delivery.objects.values_list("pk", flat=True))


def test_who_looks_while_another_is_looking_makes_no_second_message(actors: Actors) -> None:
    one, another = actors(2)
    life.open_alert(AlertKind.BEAT_SILENT, "No ring.")
    pause = Pause("INSERT INTO", "deferapp_delivery", before=True)
    looking = one.begin(plan.look, pause)
    with pause.reached_by(looking):
        other = another.begin(plan.look)
    assert sorted([looking.result(60), other.result(60)]) == [0, 1]
    assert Delivery.objects.count() == 1


def test_what_happens_while_somebody_is_looking_is_looked_at_too(actors: Actors) -> None:
    one, another = actors(2)
    failures.record(entries([make_failed()]))
    more = entries([make_failed()])
    plan.look()
    Alert.objects.update(look_at=now())
    pause = Pause("UPDATE", "deferapp_alert", number=1)
    looking = one.begin(plan.look, pause)
    with pause.reached_by(looking):
        counting = another.begin(partial(failures.record, more))
    looking.result(60)
    counting.result(60)
    alert = Alert.objects.get()
    assert alert.count == 2
    assert alert.look_at is not None


def test_who_closes_and_who_counts_up_leave_one_open_incident_or_none(actors: Actors) -> None:
    one, another = actors(2)
    for _ in range(ROUNDS):
        Alert.objects.all().delete()
        failures.record(entries([make_failed()]))
        alert = Alert.objects.get()
        at_once((one, another), partial(life.close, alert), partial(failures.record, entries([make_failed()])))
        assert sum(each.count for each in Alert.objects.all()) == 2
        assert Alert.objects.filter(closed_at=None).count() == Alert.objects.filter(open_key__isnull=False).count() <= 1
