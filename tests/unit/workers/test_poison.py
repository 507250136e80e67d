"""Messages that are not what they should be are dropped, and the worker goes on."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from deferapp.workers import poison


class Message:
    def __init__(self, body: object) -> None:
        self.body = body
        self.rejected = 0

    def reject_log_error(self, logger: logging.Logger, errors: tuple[type[Exception], ...]) -> None:
        self.rejected += 1


class Consumer:
    """As Celery's, in as much as is asked of it."""

    connection_errors = (ConnectionError,)
    error: Exception | None = None

    def create_task_handler(self) -> Any:
        def handle(message: Message) -> str:
            if self.error is not None:
                raise self.error
            return "handled"

        return handle


def handler(error: Exception | None) -> Any:
    consumer = poison.proof(Consumer)()
    consumer.error = error
    return consumer.create_task_handler()


def test_a_good_message_is_handled_as_ever() -> None:
    message = Message("{}")
    assert handler(None)(message) == "handled"
    assert message.rejected == 0


@pytest.mark.parametrize(
    "error",
    [
        KeyError("id"),
        TypeError("x"),
        ValueError("x"),
        AttributeError("x"),
        IndexError("x"),
        json.JSONDecodeError("x", "y", 0),
    ],
)
def test_a_bad_message_is_dropped_with_a_line_in_the_log(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    message = Message("\ud800 secret" * 100)
    handler(error)(message)
    assert message.rejected == 1
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert len(record.getMessage()) < 500
    record.getMessage().encode()


def test_a_broken_connection_is_left_to_celery() -> None:
    message = Message("{}")
    with pytest.raises(ConnectionError):
        handler(ConnectionError("gone"))(message)
    assert message.rejected == 0


def test_a_consumer_class_is_guarded_once_and_found_by_its_name() -> None:
    once = poison.proof("celery.worker.consumer:Consumer")
    assert poison.proof(once) is once
    assert once.__mro__[1].__module__ == "celery.worker.consumer.consumer"


class Transport:
    def _deliver(self, message: Any, queue: str) -> str:
        return f"{message['properties']} {queue}"


def test_what_is_no_message_does_not_come_through_the_transport(caplog: pytest.LogCaptureFixture) -> None:
    poison._guard(Transport, "_deliver", poison.DATA_ERRORS)
    assert Transport()._deliver({"properties": 1}, "celery") == "1 celery"
    for garbage in ([1], 7, {"body": 1}, None):
        assert Transport()._deliver(garbage, "celery") is None
    assert len(caplog.records) == 4


def test_guarding_twice_guards_once() -> None:
    poison._guard(Transport, "_deliver", poison.DATA_ERRORS)
    method = Transport._deliver
    poison._guard(Transport, "_deliver", poison.DATA_ERRORS)
    assert Transport._deliver is method


def test_a_transport_without_the_method_is_left_alone_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    poison._guard(Transport, "_never_there", poison.DATA_ERRORS)
    assert "_never_there" in caplog.text
    assert not hasattr(Transport, "_never_there")


def test_kombus_transports_are_guarded_by_their_names_of_today() -> None:
    from kombu.transport import redis
    from kombu.transport.virtual import base

    poison.proof(Consumer)
    assert base.Transport._deliver.survives_poison
    assert redis.Channel._brpop_read.survives_poison
