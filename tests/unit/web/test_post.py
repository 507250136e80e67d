"""Enqueueing by POST."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test import AsyncClient, Client
from django.test.client import MULTIPART_CONTENT

from deferapp.functions.function import BackgroundFunction
from deferapp.models import Execution
from deferapp.views import FunctionView
from tests.clock.defer.every_minute import every_minute
from tests.shop.defer.add import add
from tests.unit.queue import MemoryQueue
from tests.unit.web.requests import enqueue, post, read
from tests.unit.web.views import Open


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


def assert_refused(response: Any, status: int, message: str) -> None:
    assert (response.status_code, response.json()) == (status, {"error": message})
    assert Execution.objects.count() == 0


@pytest.mark.parametrize("arguments", [[1, 2], {"first": 1, "second": 2}])
def test_arguments_are_positional_in_an_array_and_named_in_an_object(
    visitor: Client, queue: MemoryQueue, arguments: Any
) -> None:
    execution = enqueue(visitor, "/add/", arguments)
    call = json.loads(execution.arguments_json)
    assert call == ({"args": arguments} if isinstance(arguments, list) else {"kwargs": arguments})
    assert [message.ids for message in queue.take()] == [[execution.id]]


def test_an_async_function_is_enqueued_too(visitor: Client, queue: MemoryQueue) -> None:
    execution = enqueue(visitor, "/count/", ["ada"])
    assert execution.function == "tests.shop.defer.count_customers"
    assert len(queue) == 1


def test_an_async_server_serves_the_view_too() -> None:
    client = AsyncClient()
    # By `async_to_sync`, so that the view runs in this thread and leaves no connection of another one open.
    response = async_to_sync(client.post)("/count/", '["ada"]', content_type="application/json")
    assert response.status_code == 202
    told = async_to_sync(client.get)(f"/count/{response.json()['id']}/")
    assert (told.status_code, told.json()["state"]) == (200, "created")


def test_no_body_means_no_arguments(visitor: Client) -> None:
    response = visitor.generic("POST", "/add/", b"", content_type="")
    assert_refused(response, 400, "The arguments do not fit: missing a required argument: 'first'")


def test_metadata_of_the_function_is_kept_beside_the_owner(visitor: Client) -> None:
    metadata = enqueue(visitor, "/note/", ["text"]).metadata
    assert metadata.pop("deferapp.owner").startswith("session:")
    assert metadata == {"tenant": "acme"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"{", "The body is no JSON: Expecting property name", id="cut off"),
        pytest.param(b"first=1", "The body is no JSON: Expecting value", id="a form"),
        pytest.param(b"\xff\xfe\xff", "The body is no JSON: 'utf-16-le' codec", id="no text"),
        pytest.param(b"[" * 200_000, "The body is no JSON: ", id="nested without end"),
        pytest.param(b"[%s]" % (b"9" * 5_000), "The body is no JSON: Exceeds the limit", id="a number without end"),
        pytest.param(b"3", "The body is a JSON array of positional or a JSON object", id="a number"),
        pytest.param(b"null", "The body is a JSON array of positional or a JSON object", id="null"),
        pytest.param(b"[1]", "The arguments do not fit: missing a required argument: 'second'", id="too few"),
        pytest.param(b"[1, 2, 3]", "The arguments do not fit: too many positional arguments", id="too many"),
        pytest.param(
            b'{"first": 1, "second": 2, "third": 3}',
            "The arguments do not fit: got an unexpected keyword argument 'third'",
            id="an unknown one",
        ),
        pytest.param(b"[1, NaN]", "The arguments cannot be taken.", id="NaN"),
        pytest.param(b"[1, 1e999]", "The arguments cannot be taken.", id="infinite"),
        pytest.param(b"[1, %s1%s]" % (b"[" * 150, b"]" * 150), "The arguments cannot be taken.", id="too deep"),
    ],
)
def test_what_cannot_be_arguments_is_refused_with_the_reason(
    visitor: Client, queue: MemoryQueue, body: bytes, message: str
) -> None:
    response = visitor.post("/add/", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["error"].startswith(message)
    assert (Execution.objects.count(), len(queue)) == (0, 0)


@pytest.mark.parametrize("kind", [MULTIPART_CONTENT, "application/x-www-form-urlencoded", "text/plain"])
def test_a_body_that_does_not_say_it_is_json_is_refused(visitor: Client, kind: str) -> None:
    response = visitor.generic("POST", "/add/", b"[1, 2]", content_type=kind)
    assert_refused(response, 415, "Send the arguments as application/json.")


def test_a_form_that_the_csrf_protection_has_read_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    response = client.post("/add/", {"csrfmiddlewaretoken": "a" * 32, "first": "1"})
    assert_refused(response, 415, "Send the arguments as application/json.")


def test_arguments_that_are_larger_than_an_execution_may_have_are_refused(
    visitor: Client, settings: LazySettings
) -> None:
    settings.DEFER = {"MAX_ARGUMENTS": 100}
    assert_refused(post(visitor, "/note/", ["x" * 100]), 413, "The body is too large.")
    as_json = {"content_type": "application/json"}
    grows = visitor.generic("POST", "/note/", '["{}"]'.format("é" * 40), **as_json)  # an é has six bytes in the ledger
    assert_refused(grows, 400, "The arguments cannot be taken.")
    assert post(visitor, "/note/", ["x" * 85]).status_code == 202


def test_a_body_that_is_larger_than_django_reads_is_refused(visitor: Client, settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert_refused(post(visitor, "/note/", ["x" * 100]), 413, "The body is too large.")


def test_a_view_may_choose_arguments_and_refuse_them(visitor: Client) -> None:
    execution = enqueue(visitor, "/add-to/40/", [2])
    assert json.loads(execution.arguments_json) == {"args": [40, 2]}
    assert read(visitor, "/add-to/40/", execution)["state"] == "created"
    execution.delete()
    assert_refused(post(visitor, "/add-to/40/", ["three"]), 400, "Three is not for you.")


@pytest.mark.usefixtures("atomic_requests")
def test_with_atomic_requests_it_is_published_when_the_request_is_committed(
    visitor: Client, queue: MemoryQueue
) -> None:
    execution = enqueue(visitor, "/add/", [1, 2])
    assert [message.ids for message in queue.take()] == [[execution.id]]
    assert read(visitor, "/add/", execution)["state"] == "created"


@pytest.mark.usefixtures("atomic_requests")
def test_with_atomic_requests_a_request_that_fails_enqueues_nothing(visitor: Client, queue: MemoryQueue) -> None:
    with pytest.raises(RuntimeError, match="after the enqueue"):
        post(visitor, "/broken/", [1, 2])
    assert (Execution.objects.count(), len(queue)) == (0, 0)


def _pairs(count: int) -> dict[str, str]:
    return {f"key{number}": "value" for number in range(count)}


def test_the_view_needs_one_pair_of_the_metadata() -> None:
    class Served(Open):
        function = add.options(metadata=_pairs(24))

    assert callable(Served.as_view())
    with pytest.raises(ImproperlyConfigured, match=r"Served\.function has 25 pairs of metadata"):
        Served.as_view(function=add.options(metadata=_pairs(25)))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        pytest.param(None, "is the background function to enqueue, not None", id="none"),
        pytest.param(every_minute, "is the background function to enqueue, not <Scheduled", id="a scheduled function"),
        pytest.param(add.func, "is the background function to enqueue, not <function add", id="a plain function"),
        pytest.param(add.options(key="the one"), "has key=: all callers would share", id="with a key"),
    ],
)
def test_a_function_that_cannot_be_served_is_refused_when_the_urls_are_read(
    function: BackgroundFunction[..., Any] | None, message: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        FunctionView.as_view(function=function)
