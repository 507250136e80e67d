"""Alerts are opened once and closed once, by whoever is first."""

from __future__ import annotations

import logging
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from deferapp import signals
from deferapp.alerts.life import close_alert, is_open, open_alert
from deferapp.clock import now
from deferapp.models import Alert, AlertKind
from tests.unit.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)

BEAT = AlertKind.BEAT_SILENT
Told = list[tuple[str, Alert]]


def test_an_alert_is_a_row_that_says_what_is_wrong_and_since_when() -> None:
    before = now()
    assert open_alert(BEAT, "No ring has come.")
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.text) == ("beat_silent", "", "No ring has come.")
    assert before <= alert.opened_at <= now()
    assert (alert.closed_at, alert.is_open, is_open(BEAT)) == (None, True, True)
    assert str(alert) == "beat is silent"


def test_one_that_is_open_is_not_opened_again() -> None:
    open_alert(BEAT, "first")
    assert not open_alert(BEAT, "second")
    assert Alert.objects.get().text == "first"


def test_one_subject_does_not_hide_another() -> None:
    assert open_alert(BEAT, "first", subject="shop")
    assert open_alert(BEAT, "second", subject="office")
    assert close_alert(BEAT, subject="shop")
    assert (is_open(BEAT, subject="shop"), is_open(BEAT, subject="office"), is_open(BEAT)) == (False, True, False)
    assert str(Alert.objects.get(subject="office")) == "beat is silent: office"


def test_closing_keeps_the_row_and_the_next_incident_is_another() -> None:
    open_alert(BEAT, "first")
    assert close_alert(BEAT)
    first = Alert.objects.get()
    assert first.opened_at <= first.closed_at <= now()
    assert (first.is_open, is_open(BEAT)) == (False, False)
    assert open_alert(BEAT, "second")
    assert [alert.text for alert in Alert.objects.all()] == ["second", "first"]


def test_closing_what_is_not_open_does_nothing(told: Told) -> None:
    assert not close_alert(BEAT)
    open_alert(BEAT, "first")
    close_alert(BEAT)
    assert not close_alert(BEAT)
    assert [name for name, _ in told] == ["alerted", "recovered"]


def test_the_longest_subject_fits() -> None:
    assert open_alert(BEAT, "first", subject="x" * 200)
    assert is_open(BEAT, subject="x" * 200)


def test_of_many_who_open_and_close_at_once_one_does_and_tells(told: Told) -> None:
    assert sorted(at_once(*[partial(open_alert, BEAT, "text")] * 4)) == [False, False, False, True]
    assert sorted(at_once(*[partial(close_alert, BEAT)] * 4)) == [False, False, False, True]
    assert Alert.objects.count() == 1
    assert [name for name, _ in told] == ["alerted", "recovered"]


def test_signals_bring_the_row_as_it_is(told: Told) -> None:
    open_alert(BEAT, "text")
    opened = Alert.objects.values().get()
    close_alert(BEAT)
    closed = Alert.objects.values().get()
    columns = [field.attname for field in Alert._meta.concrete_fields]
    # Of the first the receiver has what was opened: closing makes another object.
    assert [{name: getattr(alert, name) for name in columns} for _, alert in told] == [opened, closed]


def test_the_log_tells_of_both_ends(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="deferapp.alerts"):
        open_alert(BEAT, "No ring has come.")
        open_alert(BEAT, "No ring has come.")
        close_alert(BEAT)
        close_alert(BEAT)
    assert [(record.levelname, record.name) for record in caplog.records] == [
        ("ERROR", "deferapp.alerts"),
        ("INFO", "deferapp.alerts"),
    ]
    assert "beat is silent" in caplog.messages[0]
    assert "No ring has come." in caplog.messages[0]
    assert "Works again: beat is silent" in caplog.messages[1]


def test_a_receiver_that_raises_keeps_nobody_from_going_on(told: Told) -> None:
    def broken(**_named: object) -> None:
        raise RuntimeError("broken")

    signals.alerted.connect(broken)
    try:
        assert open_alert(BEAT, "text")
    finally:
        signals.alerted.disconnect(broken)
    assert is_open(BEAT)
    assert [name for name, _ in told] == ["alerted"]


def test_nothing_is_sent_of_what_is_rolled_back(told: Told) -> None:
    with transaction.atomic():
        open_alert(BEAT, "text")
        assert told == []
        transaction.set_rollback(True)
    assert told == []
    assert not is_open(BEAT)


def test_asking_and_finding_nothing_to_close_is_one_query() -> None:
    with CaptureQueriesContext(connection) as queries:
        close_alert(BEAT)
    assert len(queries) == 1
