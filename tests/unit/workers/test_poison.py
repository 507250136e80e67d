"""Messages that are not what they should be are dropped, and the worker goes on."""

from __future__ import annotations

import decimal
import json
import logging
import random
import struct
from typing import Any

import pytest
from amqp.basic_message import Message as BasicMessage
from amqp.serialization import GenericContent
from celery.worker import WorkController
from celery.worker.consumer.gossip import Gossip
from kombu import compression
from kombu.transport import redis, virtual

from deferapp.workers import poison


class Message:
    content_type: object = "application/json"

    def __init__(self, body: object, headers: object = None) -> None:
        self.body = body
        self.headers = headers
        self.rejected = self.acknowledged = 0

    def ack(self) -> None:
        self.acknowledged += 1

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
        KeyError("secret"),
        TypeError("secret"),
        ValueError("secret"),
        AttributeError("secret"),
        IndexError("secret"),
        LookupError("unknown encoding: secret"),
        RecursionError("secret"),
        decimal.InvalidOperation("secret"),
        json.JSONDecodeError("secret", "y", 0),
        UnicodeDecodeError("utf-8", b"secret", 0, 1, "secret"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_bad_message_is_dropped_with_a_line_in_the_log_that_quotes_nothing(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    message = Message("\ud800 secret" * 100, {"task": "shop.defer.\ud800mail", "id": "17", "argsrepr": "secret"})
    handler(error)(message)
    assert message.rejected == 1
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == (
        f"A message was dropped for a {type(error).__name__}: task 'shop.defer.\\ud800mail', id '17', "
        "content type 'application/json', body of 800 bytes"
    )


def _nested(depth: int) -> list[object]:
    nested: list[object] = []
    for _ in range(depth):
        nested = [nested]
    return nested


@pytest.mark.parametrize("part", [None, 7, b"\xff", _nested(20_000), {"a": {}}, "x" * 1_000_000], ids=type)
def test_whatever_a_bad_message_is_made_of_it_is_dropped_in_few_words(
    part: object, caplog: pytest.LogCaptureFixture
) -> None:
    for message in (Message(part), Message("", part), Message(part, {"task": part, "id": part})):
        message.content_type = part
        handler(KeyError("id"))(message)
        assert message.rejected == 1
    assert max(len(record.getMessage()) for record in caplog.records) < 1_000


def test_a_broken_connection_is_left_to_celery() -> None:
    message = Message("{}")
    with pytest.raises(ConnectionError):
        handler(ConnectionError("gone"))(message)
    assert message.rejected == 0


def test_a_consumer_class_is_guarded_once_and_found_by_its_name() -> None:
    once = poison.proof("celery.worker.consumer:Consumer")
    assert poison.proof(once) is once
    assert once.__mro__[1].__module__ == "celery.worker.consumer.consumer"


class Worker:
    """Celery's, with one place in its pool."""

    def __init__(self) -> None:
        self.places = 1

    def take(self, request: Any) -> None:
        self.places -= 1
        self._process_task(request)

    def _process_task(self, request: Any) -> None:
        raise request.error

    def _quick_release(self) -> None:
        self.places += 1


class Request:
    name = "shop.mail"
    id = "17"

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.is_rejected = False

    def reject(self) -> None:
        self.is_rejected = True


def test_what_cannot_be_handed_to_the_pool_is_rejected_and_leaves_its_place(caplog: pytest.LogCaptureFixture) -> None:
    worker, requests = Worker(), [Request(ValueError("secret")), Request(ValueError("secret"))]
    poison.guard_requests(worker)
    for request in requests:
        worker.take(request)
    assert worker.places == 1
    assert all(request.is_rejected for request in requests)
    assert caplog.messages[0] == "A message was dropped for a ValueError: task 'shop.mail', id '17'"
    with pytest.raises(ConnectionError):
        worker.take(Request(ConnectionError()))


def test_celerys_worker_hands_requests_to_its_pool_by_the_name_of_today() -> None:
    assert callable(WorkController._process_task)


def test_what_cannot_be_decoded_is_acknowledged_in_few_words(caplog: pytest.LogCaptureFixture) -> None:
    message = Message(b"secret" * 1_000)
    poison.proof(Consumer)().on_decode_error(message, ValueError("secret"))
    assert message.acknowledged == 1
    assert "secret" not in caplog.text
    assert len(caplog.text) < 500


class Transport:
    def _deliver(self, message: Any, queue: str) -> str:
        return f"{message['properties']} {queue}"


def _guard(name: str = "_deliver") -> None:
    poison._guard(Transport, name, poison._drop, poison.DATA_ERRORS)


def test_what_is_no_message_does_not_come_through_the_transport(caplog: pytest.LogCaptureFixture) -> None:
    _guard()
    assert Transport()._deliver({"properties": 1}, "celery") == "1 celery"
    for garbage in ([1], 7, {"secret": 1}, None):
        assert Transport()._deliver(garbage, "celery") is None
    assert len(caplog.records) == 4
    assert "secret" not in caplog.text


def test_guarding_twice_guards_once() -> None:
    _guard()
    method = Transport._deliver
    _guard()
    assert Transport._deliver is method


def test_a_transport_without_the_method_is_left_alone_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    _guard("_never_there")
    assert "_never_there" in caplog.text
    assert not hasattr(Transport, "_never_there")


def test_what_kombu_and_py_amqp_do_is_guarded_by_the_names_of_today() -> None:
    poison.proof(Consumer)
    for guarded in (
        virtual.Transport._deliver,
        redis.Channel._brpop_read,
        redis.QoS.append,
        redis.loads,
        GenericContent._load_properties,
        Gossip.on_message,
    ):
        assert guarded.survives_poison


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 100_000,
        '{"__type__": "decimal", "__value__": "x"}',
        '{"__type__": "datetime", "__value__": 7}',
        '{"__type__": [], "__value__": 7}',
        '{"__type__": "secret", "__value__": 7}',
    ],
    ids=lambda text: text[:30],
)
def test_whatever_cannot_be_read_from_redis_is_no_message(text: str) -> None:
    poison.proof(Consumer)
    with pytest.raises(poison.NoMessage) as refused:
        redis.loads(text)
    assert "secret" not in str(refused.value)


def test_headers_of_rabbitmq_that_cannot_be_read_leave_a_message_without_headers() -> None:
    poison.proof(Consumer)
    content = BasicMessage("body")
    table = b"\x04when" + b"T" + struct.pack(">Q", 2**63)  # a moment in the far future
    content._load_properties(60, struct.pack(">HL", 1 << 13, len(table)) + table, 0)
    assert content.properties == {}


@pytest.mark.parametrize("kind", ["gzip", "zlib", "bzip2", "lzma"])
def test_a_compressed_message_is_decompressed_up_to_a_limit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    poison.proof(Consumer)
    monkeypatch.setattr(poison, "MOST_DECOMPRESSED", 10_000)
    small, _ = compression.compress("x" * 10_000, kind)
    assert compression.decompress(small, kind) == b"x" * 10_000
    large, _ = compression.compress("x" * 100_000_000, kind)
    with pytest.raises(poison.NoMessage):
        compression.decompress(large, kind)
    with pytest.raises(poison.NoMessage):
        compression.decompress(small[:-4], kind)


def test_a_message_that_does_not_shrink_much_may_be_as_large_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    poison.proof(Consumer)
    monkeypatch.setattr(poison, "MOST_DECOMPRESSED", 10_000)
    text = random.Random(7).randbytes(50_000)
    assert compression.decompress(*compression.compress(text, "gzip")) == text
