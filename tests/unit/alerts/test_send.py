"""From an incident to messages that have been sent: what is made, kept, tried again, and never sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from deferapp.alerts import channels, plan, send
from deferapp.alerts.channels import Answer, Channel
from deferapp.alerts.life import close_alert, open_alert
from deferapp.alerts.message import Message
from deferapp.alerts.send import GIVEN_UP_AFTER, Sender, is_due
from deferapp.clock import now
from deferapp.models import Alert, AlertKind, Delivery
from tests.unit.alerts.rows import fail, later, said
from tests.unit.rows import MINUTE, SECOND

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@dataclass
class World:
    """What the channels have received, and how they answer."""

    received: list[tuple[str, Message]] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)

    def send(self, channel: Channel, message: Message, thread: str = "") -> Answer:
        self.received.append((channel.name, message))
        self.threads.append(thread)
        return self.answers.get(channel.name, Answer(reference=f"ts{len(self.received)}"))

    @property
    def headers(self) -> list[str]:
        return [message.header for _name, message in self.received]

    @property
    def kinds(self) -> list[str]:
        return [message.kind for _name, message in self.received]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Iterator[World]:
    """One channel, and a world that takes everything."""
    world = World()
    monkeypatch.setattr(channels, "send", world.send)
    settings.DEFER = {"ALERTS": [{"call": "shop.tell", "name": "slack"}]}
    return world


def work(rounds: int = 1, every: timedelta = SECOND) -> None:
    """What housekeeping does, so many rounds after another, by a process that has just begun."""
    for _ in range(rounds):
        plan.look()
        Sender().send_due()
        later(every)


def test_an_incident_is_one_message_and_then_a_count(world: World) -> None:
    fail()
    work(3)
    fail(4)
    work(3)
    assert world.headers == ["✕ ValueError in shop.defer.mail"]
    later(5 * MINUTE)
    Alert.objects.update(look_at=now())
    work(3)
    assert world.headers[1:] == ["✕ Further ones: ValueError in shop.defer.mail ×5"]
    assert not is_due()


def test_a_fan_out_with_a_thousand_failures_is_one_message(world: World) -> None:
    for _ in range(10):
        fail(100)
    work(5)
    assert world.headers == ["✕ ValueError in shop.defer.mail ×1,000"]


def test_other_errors_and_other_functions_are_other_incidents(world: World) -> None:
    fail(key="1" * 16)
    fail(key="2" * 16)
    fail(function="shop.defer.other", key="3" * 16)
    work(5)
    assert Alert.objects.count() == len(world.received) == 3


def test_attempts_that_are_retried_are_no_incident() -> None:
    from deferapp.alerts import failures
    from tests.unit.alerts.rows import entries, make_failed

    failures.record(entries([make_failed()], outcome="retried"))
    failures.record([])
    assert not Alert.objects.exists()


def test_failures_end_after_30_quiet_minutes_with_a_message(world: World) -> None:
    fail()
    work(2)
    later(30 * MINUTE)
    work(2)
    assert world.headers[1:] == ["✓ Recovered: ValueError in shop.defer.mail"]
    assert not Alert.objects.get().is_open
    fail()
    work(2)
    assert world.kinds == ["opened", "recovered", "opened"]


def test_a_reminder_comes_after_four_hours(world: World) -> None:
    open_alert(AlertKind.BEAT_SILENT, "No ring.")
    work(2)
    later(4 * HOUR)
    work(3)
    assert world.headers == ["✕ Beat is silent", "✕ Still: Beat is silent"]


def test_what_works_again_is_told_once(world: World) -> None:
    open_alert(AlertKind.BEAT_SILENT, "No ring.")
    work(2)
    close_alert(AlertKind.BEAT_SILENT)
    work(5)
    assert world.kinds == ["opened", "recovered"]
    assert Alert.objects.get().look_at is None


def test_later_messages_know_the_first_one(world: World) -> None:
    open_alert(AlertKind.BEAT_SILENT, "No ring.")
    work(2)
    close_alert(AlertKind.BEAT_SILENT)
    work(2)
    assert world.threads == ["", "ts1"]


def test_more_than_five_incidents_in_a_minute_become_one_digest(world: World) -> None:
    for number in range(12):
        fail(key=f"{number:016}", function=f"shop.defer.f{number}")
    work(40)
    assert world.kinds == ["opened"] * 5
    later(25 * SECOND)
    work(3)
    assert world.kinds == ["opened"] * 5 + ["digest"]
    assert world.headers[-1] == "✕ 7 incidents at once"
    assert {delivery.due_at for delivery in Delivery.objects.all()} == {None}
    fail(key="f" * 16)
    work(2)
    assert world.kinds[-1] == "opened"


def test_a_digest_of_one_is_a_message_of_its_own(world: World) -> None:
    for number in range(6):
        fail(key=f"{number:016}", function=f"shop.defer.f{number}")
    work(2)
    later(MINUTE)
    work(8)
    assert world.headers[-1] == "✕ ValueError in shop.defer.f5"
    assert len(world.received) == 6


def test_one_message_a_second_goes_to_a_channel_and_others_do_not_wait_for_it(
    world: World, settings: LazySettings
) -> None:
    settings.DEFER = {"ALERTS": [{"call": "shop.tell", "name": "slack"}, {"email": ["a@b"], "name": "mail"}]}
    for number in range(3):
        fail(key=f"{number:016}", function=f"shop.defer.f{number}")
    plan.look()
    sender = Sender()
    assert [sender.send_due() for _ in range(3)] == [2, 0, 0]
    assert [name for name, _ in world.received] == ["slack", "mail"]
    assert Sender().send_due() == 0, "another process knows it from the ledger"
    later(SECOND)
    assert Sender().send_due() == 2


def test_a_busy_channel_is_left_alone_for_as_long_as_it_says(world: World) -> None:
    world.answers["slack"] = Answer(error="HTTP 429: ", retry_after=17 * SECOND)
    fail()
    plan.look()
    sender = Sender()
    sender.send_due()
    delivery = Delivery.objects.get()
    assert 16 * SECOND < delivery.due_at - now() <= 17 * SECOND
    assert (delivery.tries, delivery.sent_at, delivery.error) == (1, None, "HTTP 429: ")
    fail(key="2" * 16)
    plan.look()
    assert sender.send_due() == 0, "nor does it get another message meanwhile"
    assert len(world.received) == 1
    world.answers.clear()
    later(17 * SECOND)
    work(2)
    assert world.kinds == ["opened"] * 3
    assert set(Delivery.objects.values_list("error", flat=True)) == {""}


@pytest.mark.parametrize(("tries", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 600), (30, 600)])
def test_a_message_that_does_not_leave_is_tried_more_and_more_seldom(world: World, tries: int, seconds: int) -> None:
    world.answers["slack"] = Answer(error="HTTP 500: ")
    fail()
    plan.look()
    Delivery.objects.update(tries=tries - 1)
    Sender().send_due()
    assert abs(Delivery.objects.get().due_at - now() - seconds * SECOND) < 2 * SECOND


def test_what_a_person_has_to_mend_is_tried_every_ten_minutes(world: World) -> None:
    world.answers["slack"] = Answer(error="invalid_auth", needs_a_person=True)
    fail()
    plan.look()
    Sender().send_due()
    assert abs(Delivery.objects.get().due_at - now() - 10 * MINUTE) < 2 * SECOND
    world.answers.clear()
    later(10 * MINUTE)
    work()
    assert Delivery.objects.get().sent_at


def test_a_message_is_given_up_after_a_day(world: World) -> None:
    world.answers["slack"] = Answer(error="HTTP 500: ")
    fail()
    plan.look()
    later(GIVEN_UP_AFTER)
    Sender().send_due()
    delivery = Delivery.objects.get()
    assert (delivery.due_at, delivery.sent_at, delivery.error) == (None, None, "HTTP 500: ")


def test_failures_of_sending_are_logged_and_no_incident(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.answers["slack"] = Answer(error="HTTP 500: oops")
    fail()
    work(3)
    assert "could not be sent to slack: HTTP 500: oops" in caplog.text
    assert Alert.objects.count() == 1


def test_of_an_incident_no_message_overtakes_another(world: World) -> None:
    world.answers["slack"] = Answer(error="HTTP 500: ")
    open_alert(AlertKind.BEAT_SILENT, "No ring.")
    work()
    close_alert(AlertKind.BEAT_SILENT)
    world.answers.clear()
    work(8)
    assert world.kinds == ["opened", "opened", "recovered"]


def test_a_message_that_cannot_leave_does_not_hold_up_other_incidents(world: World) -> None:
    fail()
    plan.look()
    Delivery.objects.update(due_at=now() + HOUR, tries=9, error="poison")
    fail(key="2" * 16)
    work(2)
    assert len(world.received) == 1


def test_a_restart_between_any_two_steps_neither_repeats_nor_forgets(world: World) -> None:
    """Each step by a process of its own, with a kill before the next one."""
    fail()
    assert said() == []
    plan.look()
    assert said() == [("opened", "slack")]
    plan.look()
    channel = channels.configured()[0]
    taken = send.take(channel)
    assert taken is not None
    assert send.take(channel) is None, "nobody else takes it meanwhile"
    later(send.TAKEN)
    work(5)
    assert world.kinds == ["opened"], "killed before it was sent, it is sent by another"
    assert Delivery.objects.get().tries == 2
    work(5)
    assert len(world.received) == 1


def test_killed_between_the_answer_and_its_note_it_is_sent_once_more_and_that_is_all(world: World) -> None:
    fail()
    plan.look()

    class Killed(BaseException):
        pass

    def insist(_write: Any) -> None:
        raise Killed

    with pytest.raises(Killed):
        Sender().send_due(insist)
    work(5)
    assert len(world.received) == 1, "not as long as the one who took it may still be at it"
    later(send.TAKEN)
    work(5)
    assert len(world.received) == 2
    assert {message.delivery_id for _name, message in world.received} == {Delivery.objects.get().pk}


def test_an_answer_that_comes_after_somebody_else_has_taken_over_is_noted_all_the_same(world: World) -> None:
    fail()
    plan.look()
    channel = channels.configured()[0]
    slow = send.take(channel)
    later(send.TAKEN)
    assert send.take(channel) is not None
    assert slow is not None
    send.note(slow, Answer(error="too late"))
    assert Delivery.objects.get().error == "", "an error says nothing of the other one's try"
    send.note(slow, Answer(reference="ts"))
    delivery = Delivery.objects.get()
    assert (delivery.due_at, delivery.reference) == (None, "ts")
    assert delivery.sent_at


def test_an_incident_that_nothing_can_be_said_of_keeps_no_other_from_being_told(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fail()
    Alert.objects.update(look_at=now() - HOUR, details={"named": [{"execution": "no id"}]})
    fail(key="2" * 16)
    work(3)
    assert len(world.received) == 1
    assert "cannot be said" in caplog.text


def test_a_message_that_cannot_be_written_keeps_no_other_from_being_sent(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    fail()
    plan.look()
    Alert.objects.update(details={"parent": {"function": "without an id"}})
    fail(key="2" * 16)
    work(3)
    assert len(world.received) == 1
    assert "cannot be written" in caplog.text
    assert Delivery.objects.filter(due_at__isnull=False).get().error == "KeyError"


def test_what_is_for_a_channel_that_is_gone_is_given_up(world: World, settings: LazySettings) -> None:
    fail()
    plan.look()
    settings.DEFER = {"ALERTS": []}
    send.forget_the_unknown()
    assert Sender().send_due() == 0
    assert not is_due()
    assert "no such channel" in Delivery.objects.get().error


def test_settings_that_cannot_be_read_keep_nobody_from_working(
    world: World, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEFER = {"ALERTS": [{"slack": 7}]}
    fail()
    work(2)
    assert "Nobody is told of alerts" in caplog.text
    assert Alert.objects.get().is_open
    assert said() == []


def test_without_channels_incidents_are_kept_and_end_all_the_same(settings: LazySettings) -> None:
    fail()
    work()
    later(30 * MINUTE)
    work(2)
    assert not Alert.objects.get().is_open
    assert said() == []


def test_a_storm_of_incidents_costs_messages_and_not_a_query_each_round(
    world: World, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        fail(key=f"{number:016}", function=f"shop.defer.f{number}")
    work()
    with django_assert_max_num_queries(2):
        plan.look()
        is_due()
