"""Sending alerts beside housekeeping: in a thread, insisting on what was answered."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from deferapp.alerts import channels, plan, send
from deferapp.alerts.channels import Answer
from deferapp.alerts.life import open_alert
from deferapp.models import AlertKind, Delivery
from deferapp.workers.messenger import Messenger
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def message(settings: LazySettings) -> None:
    """A message is due."""
    settings.DEFER = {"ALERTS": [{"call": "shop.tell", "name": "slack"}]}
    open_alert(AlertKind.BEAT_SILENT, "No ring.")
    plan.look()


def test_an_answer_is_noted_although_the_database_is_away_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(channels, "send", lambda *given: sent.append(given) or Answer())
    note, refusals = send.note, [OperationalError("away"), OperationalError("away")]

    def refused_at_first(*given: Any) -> None:
        if refusals:
            raise refusals.pop()
        note(*given)

    monkeypatch.setattr(send, "note", refused_at_first)
    messenger = Messenger()
    messenger.go()
    messenger.stop()
    assert len(sent) == 1
    assert Delivery.objects.get().sent_at


def test_a_channel_that_hangs_holds_up_nobody_and_is_asked_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    answers = threading.Event()

    def hang(*given: Any) -> Answer:
        asked.append(given)
        answers.wait(30)
        return Answer()

    monkeypatch.setattr(channels, "send", hang)
    messenger = Messenger()
    for _ in range(3):
        messenger.go()
    wait_until(lambda: bool(asked), 10, "the channel is asked")
    messenger.go()
    assert len(asked) == 1
    answers.set()
    messenger.stop()
    assert Delivery.objects.get().sent_at


def test_what_goes_wrong_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> int:
        raise RuntimeError("broken")

    monkeypatch.setattr(send, "forget_the_unknown", broken)
    messenger = Messenger()
    messenger.go()
    messenger.stop()
    assert "Alerts could not be sent" in caplog.text
