"""Acknowledging by a connection to Redis that has been lost and given up in the meantime."""

from __future__ import annotations

import logging

import pytest
from kombu import Connection, Message

from deferapp.workers import acks

logger = logging.getLogger("tests")


@pytest.mark.parametrize("answer", ["ack_log_error", "reject_log_error"])
def test_who_answers_by_a_connection_that_is_gone_is_told_of_a_lost_connection_and_lives(
    broker_url: str, answer: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    acks.forgive_late_ones()
    with Connection(broker_url) as connection:
        errors, message = connection.connection_errors, _deliver(connection)
        # What is left when Redis goes, and goes again while kombu closes the connection.
        message.channel._disconnect_pools()
        monkeypatch.setattr(connection.transport, "client", None)
        getattr(message, answer)(logger, errors)
        monkeypatch.undo()
    assert "is gone" in caplog.text


def test_a_mistake_on_a_connection_that_is_there_is_not_taken_for_a_lost_one(
    broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    acks.forgive_late_ones()
    with Connection(broker_url) as connection:
        message = _deliver(connection)
        monkeypatch.setattr(message.channel, "_qos", object())
        with pytest.raises(AttributeError):
            message.ack()
        monkeypatch.undo()
        message.ack()


def _deliver(connection: Connection) -> Message:
    queue = connection.SimpleQueue("late")
    queue.put("text")
    return queue.get(timeout=10)
