"""The alert that no worker is running: told by who enqueues, or afterwards by the worker that starts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings

from deferapp.alerts import channels
from deferapp.alerts.channels import Answer, Channel
from deferapp.alerts.message import Message
from deferapp.clock import now
from deferapp.dispatch import publish
from deferapp.models import Alert, AlertKind, Execution, Housekeeping
from deferapp.workers.alarms import absence
from tests.unit.rows import MINUTE, SECOND, make_execution
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Iterator[list[Message]]:
    """What one channel has received. No thread of these tests is left at their end."""
    sent: list[Message] = []

    def send(_channel: Channel, message: Message, _thread: str = "") -> Answer:
        sent.append(message)
        return Answer()

    monkeypatch.setattr(channels, "send", send)
    monkeypatch.setattr(absence, "CONFIRM_AFTER", 0.0)
    monkeypatch.setattr(absence, "_looked_at", float("-inf"))
    settings.DEFER = {"ALERTS": [{"call": "shop.tell"}]}
    yield sent
    join()


def join() -> None:
    for thread in threading.enumerate():
        if thread.name == "deferapp-absence":
            thread.join(30)


def absent(since: timedelta) -> None:
    Housekeeping.objects.update_or_create(pk=1, defaults={"lease_until": now() - since})


def enqueue() -> Execution:
    execution = make_execution()
    publish.on_commit(execution.function, [execution.pk])
    return execution


def test_who_enqueues_tells_that_no_worker_is_there(sent: list[Message]) -> None:
    absent(2 * MINUTE)
    enqueue()
    wait_until(lambda: bool(sent), 20, "the message is sent")
    join()
    alert = Alert.objects.get()
    assert (alert.kind, alert.is_open) == (AlertKind.WORKERS_SILENT, True)
    assert f"{now() - 2 * MINUTE:%Y-%m-%d}" in sent[0].summary
    assert sent[0].header == "✕ No worker is running"
    assert len(sent) == 1


def test_a_short_absence_such_as_a_deployment_is_not_told(sent: list[Message]) -> None:
    absent(30 * SECOND)
    enqueue()
    join()
    assert not Alert.objects.exists()


def test_where_no_worker_has_ever_been_nothing_is_told() -> None:
    enqueue()
    join()
    assert not Alert.objects.exists()


def test_one_look_alone_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the database comes back, all workers look silent until they have spoken again."""
    absent(2 * MINUTE)
    monkeypatch.setattr(absence.time, "sleep", lambda _seconds: absent(-5 * SECOND))
    absence._look()
    assert not Alert.objects.exists()


def test_a_process_looks_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    monkeypatch.setattr(absence, "_look", lambda: looks.append(time.monotonic()))
    for _ in range(5):
        enqueue()
    join()
    assert len(looks) == 1


def test_without_channels_nobody_looks(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    settings.DEFER = {}
    monkeypatch.setattr(absence, "_look", lambda: pytest.fail("nobody would be told"))
    enqueue()
    join()


def test_a_database_that_is_away_fails_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> None:
        raise RuntimeError("away")

    monkeypatch.setattr(absence, "since", away)
    enqueue()
    join()
    assert "could not be looked at" in caplog.text


def test_a_worker_that_starts_tells_afterwards_that_work_has_waited() -> None:
    absent(10 * MINUTE)
    make_execution(due_at=now() - 9 * MINUTE)
    absence.tell_afterwards(absence.since())
    absence.is_over()
    alert = Alert.objects.get()
    assert (alert.kind, alert.is_open) == (AlertKind.WORKERS_SILENT, False)


@pytest.mark.parametrize("due_in", [timedelta(hours=1), -30 * SECOND])
def test_a_worker_that_starts_when_nothing_has_waited_for_it_tells_nothing(due_in: timedelta) -> None:
    absent(10 * MINUTE)
    make_execution(due_at=now() + due_in)
    absence.tell_afterwards(absence.since())
    assert not Alert.objects.exists()


def test_what_was_told_is_over_when_a_worker_keeps_house() -> None:
    absent(2 * MINUTE)
    absence._look()
    absence.tell_afterwards(absence.since())
    absence.is_over()
    assert not Alert.objects.get().is_open
