"""What comes in of a message for one of our tasks: whose work it names, and nothing else that it says."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from kombu import Message

from deferapp.dispatch.broker import celery_app
from deferapp.schedules import TICK

FUNCTION: Final = "tests.shop.defer.note"
EMBEDDED: Final = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
ID: Final = uuid4()

loaded: list[str] = []


class Loaded:
    """Notes that a pickle of it was read."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return loaded.append, ("a pickle",)


class Consumer:
    """Celery's, in as much as a strategy asks of it. Keeps the requests that would be run."""

    hostname = "w@h"
    connection_errors = ()
    event_dispatcher = None
    disable_rate_limits = False
    pool = SimpleNamespace(apply_async=None)

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.put_off: list[Any] = []
        self.rejected: list[bool] = []
        self.task_buckets: dict[str, Any] = dict.fromkeys([FUNCTION, TICK])
        self.timer = SimpleNamespace(call_at=lambda *args, **_: self.put_off.append(args))
        self.apply_eta_task = self._limit_task = self._limit_post_eta = lambda *_: None
        self.controller = SimpleNamespace(state=SimpleNamespace(revoked=set()))
        self.on_task_request = self.requests.append

    def receive(self, message: Message, body: Any = None, task: str = FUNCTION) -> None:
        app = celery_app()
        app.finalize()
        handler = app.tasks[task].start_strategy(app, self)
        handler(message, body, lambda *_: None, lambda _logger, _errors, requeue: self.rejected.append(requeue), [])


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


def message(body: Any, *, headers: dict[str, Any] | None = None, **parts: Any) -> Message:
    given = {"lang": "py", "task": FUNCTION, "id": str(ID), **(headers or {})}
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    kind = {"content_type": "application/json", "content_encoding": "utf-8", "accept": {"application/json"}}
    properties = {"correlation_id": str(ID), "reply_to": "elsewhere"}
    return Message(body=text, headers=given, properties=properties, delivery_info={}, **{**kind, **parts})


def call(*ids: UUID, **embedded: Any) -> list[Any]:
    return [[[each.hex for each in ids]], {"version": 1}, {**EMBEDDED, **embedded}]


def test_a_good_message_is_run_with_its_ids(consumer: Consumer) -> None:
    consumer.receive(message(call(ID)))
    (request,) = consumer.requests
    assert (request.args, request.kwargs, request.id) == ([[ID.hex]], {"version": 1}, str(ID))
    assert (consumer.rejected, consumer.put_off) == ([], [])


@pytest.mark.parametrize(
    "headers",
    [
        {"timelimit": [0.1, 0.1]},
        {"eta": "2999-01-01T00:00:00+00:00"},
        {"expires": "2001-01-01T00:00:00+00:00"},
        {"ignore_result": False},
        {"shadow": "another.name"},
        {"retries": 99, "group": "g", "replaced_task_nesting": 10**9, "stamped_headers": ["x"], "stamps": {"x": 1}},
        {"argsrepr": "a\nforged line", "kwargsrepr": "x" * 10**6},
        {"root_id": 7, "parent_id": ["x"], "origin": {}, "is_eager": True, "delivery_info": 1, "callbacks": [1]},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_headers_by_which_celery_would_be_told_what_to_do_are_left_out(
    consumer: Consumer, headers: dict[str, Any]
) -> None:
    consumer.receive(message(call(ID), headers=headers))
    (request,) = consumer.requests
    assert (request.time_limits, request.eta, request.expires) == ((None, None), None, None)
    assert (request.name, request.ignore_result) == (FUNCTION, True)
    assert not [name for name in headers if request.request_dict.get(name) == headers[name]]
    assert "forged" not in request.argsrepr
    assert consumer.put_off == []


def test_no_further_messages_are_sent_for_a_message(consumer: Consumer) -> None:
    signature = {"task": "celery.accumulate", "args": [], "kwargs": {}, "options": {}}
    consumer.receive(message(call(ID, callbacks=[signature], errbacks=[signature], chain=[signature], chord=signature)))
    (request,) = consumer.requests
    assert request.body[2] == EMBEDDED


def test_headers_of_tracers_come_in(consumer: Consumer) -> None:
    consumer.receive(message(call(ID), headers={"traceparent": "00-abc-def-01", "origin": "gen1@web"}))
    (request,) = consumer.requests
    assert (request.request_dict["traceparent"], request.request_dict["origin"]) == ("00-abc-def-01", "gen1@web")


PICKLE: Final = {"content_type": "application/x-python-serialize", "content_encoding": "binary", "accept": None}
MANY: Final = json.dumps([[[ID.hex] * 100_000], {"version": 1}, EMBEDDED])

REFUSED: Final[dict[str, Message]] = {
    "a pickle that the project accepts": message(pickle.dumps([Loaded()]), **PICKLE),
    "YAML that the project accepts": message("[[], {}, {}]", content_type="application/x-yaml", accept=None),
    "JSON that says it is text": message(call(ID), content_type="text/plain", accept=None),
    "no content type": message(call(ID), content_type=None, accept=None),
    "a megabyte of ids": message(MANY),
    "a megabyte of ids in a kilobyte": message(
        zlib.compress(MANY.encode()), headers={"compression": "application/x-gzip"}
    ),
    "more ids than a message has": message([[[ID.hex] * 10_001], {"version": 1}, EMBEDDED]),
    "depth without end": message("[" * 100_000),
    "a number without end": message("[[[%s]],{}]" % ("9" * 100_000)),
    "no JSON": message("{"),
    "SQL": message([[["' OR 1=1; DROP TABLE deferapp_execution --"]], {"version": 1}, EMBEDDED]),
    "SQL as the list": message([["SELECT 1"], {"version": 1}, EMBEDDED]),
    "a lookup instead of ids": message([[{"pk__gt": 0}], {"version": 1}, EMBEDDED]),
    "numbers": message([[[1, 2.5, True, None]], {"version": 1}, EMBEDDED]),
    "lists of lists": message([[[[ID.hex]]], {"version": 1}, EMBEDDED]),
    "a lone surrogate": message('[[["\\ud800"]],{"version":1},{}]'),
    "two lists": message([[[ID.hex], [ID.hex]], {"version": 1}, EMBEDDED]),
    "another version": message([[[ID.hex]], {"version": 2}, EMBEDDED]),
    "no version": message([[[ID.hex]], {}, EMBEDDED]),
    "arguments that are a text": message(["args", {"version": 1}, EMBEDDED]),
    "arguments that are none": message([None, None, None]),
    "what is embedded is a text": message([[[ID.hex]], {"version": 1}, "args"]),
    "a dict": message({"args": [[ID.hex]], "kwargs": {"version": 1}, "task": FUNCTION}),
    "an id of two lines": message(call(ID), headers={"id": "x\nERROR forged"}),
    "an id of a megabyte": message(call(ID), headers={"id": "x" * 10**6}),
    "an id that is none": message(call(ID), headers={"id": None}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_message_of_ours_is_dropped_with_a_line_in_the_log(
    consumer: Consumer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    consumer.receive(REFUSED[name])
    assert (consumer.requests, consumer.rejected) == ([], [False])
    (record,) = [record for record in caplog.records if record.name == "deferapp.workers"]
    assert record.levelno == logging.ERROR
    assert len(record.getMessage()) < 300
    assert "\n" not in record.getMessage()
    assert loaded == []


def test_the_oldest_protocol_is_refused(consumer: Consumer) -> None:
    body = {"task": FUNCTION, "id": str(ID), "args": [[ID.hex]], "kwargs": {"version": 1}, "timelimit": [1, 1]}
    consumer.receive(message(body), body)
    assert (consumer.requests, consumer.rejected) == ([], [False])


def test_json_is_read_also_where_the_project_accepts_something_else_only(consumer: Consumer) -> None:
    consumer.receive(message(call(ID), accept={"application/x-python-serialize"}))
    assert len(consumer.requests) == 1


def test_a_tick_is_a_tick_whatever_it_says(consumer: Consumer) -> None:
    says = [["now", 7], {"now": "2999-01-01"}, {**EMBEDDED, "chain": [1]}]
    consumer.receive(message(says, headers={"timelimit": [1, 1], "task": TICK}), task=TICK)
    (request,) = consumer.requests
    assert (request.args, request.kwargs, request.time_limits) == ([], {}, (None, None))
    consumer.receive(message(base64.b64encode(b"x").decode(), headers={"task": TICK}), task=TICK)
    assert (len(consumer.requests), consumer.rejected) == (1, [False])
