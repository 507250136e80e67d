"""What should not stand in a queue: forged messages of Celery, parts of them, and things that are no messages at all.

Written as what Celery puts into a list of Redis; for RabbitMQ the same is taken apart into a body, properties and
headers, where it has such parts.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import amqp

FUNCTION: Final = "tests.shop.defer.note"
NO_CALLBACKS: Final = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
MEGABYTE: Final = 1024 * 1024


def message(body: Any, function: str = FUNCTION, **changes: Any) -> dict[str, Any]:
    """Build a message; a change of None takes the part away. A body of bytes or text stands there as it is."""
    text = body if isinstance(body, str) else _base64(body if isinstance(body, bytes) else json.dumps(body).encode())
    headers = {"lang": "py", "task": function, "id": str(uuid4()), "argsrepr": "", "kwargsrepr": ""}
    parts = {
        "body": text,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "correlation_id": headers["id"],
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "celery"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }
    return {key: value for key, value in {**parts, **changes}.items() if value is not None}


def call(*args: Any, **kwargs: Any) -> list[Any]:
    """The body of a call of a task."""
    return [list(args), kwargs, NO_CALLBACKS]


def naming(*ids: str, function: str = FUNCTION) -> dict[str, Any]:
    """A message as good as ours, which names executions by the hexadecimal digits of their ids."""
    return message(call(list(ids), version=1), function)


def _base64(body: bytes) -> str:
    return base64.b64encode(body).decode()


def _with(part: str, **changes: Any) -> dict[str, Any]:
    """A message that would be good, but for this in its headers or properties; None takes a key away."""
    built = naming(uuid4().hex)
    built[part] = {key: value for key, value in {**built[part], **changes}.items() if value is not ...}
    return built


def _nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def _bomb(compression: Callable[[bytes], bytes] = zlib.compress) -> dict[str, Any]:
    """Some kilobytes that become a hundred megabytes."""
    headers = {**naming()["headers"], "compression": "gzip"}
    return message(compression(bytes(100 * MEGABYTE)), headers=headers)


class _Header(amqp.Message):
    """A message with one header as raw bytes, which py-amqp would not write."""

    raw = b""

    def _serialize_properties(self) -> bytes:
        flags = 1 << 13  # of headers alone
        return struct.pack(">HL", flags, len(self.raw)) + self.raw


class _FarFuture(_Header):
    raw = b"\x04when" + b"T" + struct.pack(">Q", 2**62)


class _Deep(_Header):
    raw = b""
    for _ in range(10_000):
        raw = b"\x01x" + b"F" + struct.pack(">L", len(raw)) + raw


EVERYWHERE: Final[dict[str, Callable[[], Any]]] = {
    "no JSON": lambda: b"\x00\xff garbage",
    "broken JSON": lambda: b'{"body": "',
    "JSON nested deeply": lambda: _nested(100_000),
    "JSON of an unknown type": lambda: {"__type__": "secret", "__value__": 1},
    "JSON of a number that is none": lambda: {"__type__": "decimal", "__value__": "x"},
    "ten megabytes of nothing": lambda: b"\x00\xff" * (5 * MEGABYTE),
    "a JSON list": list,
    "a JSON number": lambda: 17,
    "a JSON text": lambda: "text",
    "JSON null": lambda: None,
    "an empty envelope": dict,
    "an envelope of something else": lambda: {"type": "job", "payload": {"id": 7}},
    "no headers": lambda: message(call([uuid4().hex], version=1), headers=None),
    "headers of another kind": lambda: message(call([uuid4().hex], version=1), headers={"x": [1, {"y": None}]}),
    "no id header": lambda: _with("headers", id=...),
    "an id header that is none": lambda: _with("headers", id=["\x00"]),
    "no task header": lambda: _with("headers", task=...),
    "a task header that is none": lambda: _with("headers", task={"a": 1}),
    "a body that is no base64": lambda: message("%%%"),
    "a body that is no JSON": lambda: message(b"\xff{"),
    "a body in an unknown encoding": lambda: message(call(), **{"content-encoding": "no-such-code"}),
    "a body nested deeply": lambda: message(_nested(100_000)),
    "a body nested deeply for another task": lambda: message(_nested(100_000), "celery.accumulate"),
    "a body of ten megabytes": lambda: message(call("x" * (10 * MEGABYTE), version=1)),
    "a body that is a number": lambda: message(7),
    "a body in two parts": lambda: message([[], {}]),
    "a body of a pickle": lambda: message(
        "gASVCAAAAAAAAACMBHRleHSULg==", **{"content-type": "application/x-python-serialize"}
    ),
    "a body that is not compressed as it says": lambda: _with("headers", compression="gzip"),
    "a body that is compressed in a way that nobody knows": lambda: _with("headers", compression=["x"]),
    "a body that grows to a hundred megabytes": _bomb,
    "arguments that are no list": lambda: message([7, {}, NO_CALLBACKS]),
    "a limit of time that is none": lambda: _with("headers", timelimit="x", task="celery.accumulate"),
    "no version": lambda: message(call([uuid4().hex])),
    "an unknown version": lambda: message(call([uuid4().hex], version=99)),
    "no ids": lambda: message(call(version=1)),
    "ids that are no list": lambda: message(call("id", version=1)),
    "ids that are no UUIDs": lambda: message(call([1, "two", None], version=1)),
    "an unknown function": lambda: naming(uuid4().hex, function="tests.shop.defer.never_heard_of"),
}

OF_REDIS: Final[dict[str, Callable[[], Any]]] = {
    "no properties": lambda: message(call([uuid4().hex], version=1), properties=None),
    "no delivery tag": lambda: _with("properties", delivery_tag=...),
    "a delivery tag that is null": lambda: _with("properties", delivery_tag=None),
    "a delivery tag that is a list": lambda: _with("properties", delivery_tag=["x"]),
    "properties that are a list": lambda: message(call([uuid4().hex], version=1), properties=[1]),
    "headers that are a list": lambda: message(call([uuid4().hex], version=1), headers=[1]),
    "a content type that is a number": lambda: message(call([uuid4().hex], version=1), **{"content-type": 7}),
}

OF_RABBIT: Final[dict[str, Callable[[], Any]]] = {
    "a header from the far future": lambda: _FarFuture(b"{}"),
    "headers nested deeply": lambda: _Deep(b"{}"),
}


def as_redis(raw: Any) -> bytes:
    return raw if isinstance(raw, bytes) else json.dumps(raw).encode()


def as_rabbit(raw: Any) -> amqp.Message:
    if isinstance(raw, amqp.Message):
        return raw
    if not isinstance(raw, dict) or "body" not in raw:
        return amqp.Message(as_redis(raw))
    return amqp.Message(
        _body(raw),
        content_type=raw.get("content-type"),
        content_encoding=raw.get("content-encoding"),
        application_headers=raw.get("headers"),
        correlation_id=raw.get("properties", {}).get("correlation_id"),
    )


def _body(raw: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(raw["body"], validate=True)
    except ValueError:
        return str(raw["body"]).encode()
