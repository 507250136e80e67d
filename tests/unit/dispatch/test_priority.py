"""Priorities of messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from deferapp import defer
from deferapp.dispatch import priority, publish
from deferapp.dispatch.broker import Broker, celery_app
from deferapp.models import Execution
from tests.leases import lease_redis


def note(number: int) -> None: ...


@pytest.mark.parametrize(
    ("transport", "given", "expected"),
    [
        ("redis", -1, 1),
        ("rediss", -50, 5),
        ("sentinel", -100, 9),
        ("redis", 100, 0),
        ("amqp", 1, 1),
        ("pyamqp", 100, 9),
        ("amqp", -100, 0),
    ],
)
def test_each_broker_honours_the_half_that_it_has(transport: str, given: int, expected: int) -> None:
    assert priority.of_message(given, transport) == expected


@pytest.mark.parametrize(("text", "expected"), [("7", 7), ("-7", -7), ("", 0), ("high", 0), ("101", 0), ("--1", 0)])
def test_metadata_that_is_no_priority_is_none(text: str, expected: int) -> None:
    assert priority.priority_of(Execution(metadata={priority.KEY: text})) == expected
    assert priority.priority_of(Execution()) == 0


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many executions each message named, and its priority."""
    found: list[tuple[int, int]] = []

    def send(_: Broker, name: str, args: list[Any], kwargs: dict[str, Any], *, priority: int = 0) -> bool:
        found.append((len(args[0]), priority))
        return True

    monkeypatch.setattr(publish, "reaches_a_worker", lambda: True)
    monkeypatch.setattr(Broker, "send", send)
    return found


@pytest.mark.django_db(transaction=True)
def test_executions_are_published_with_their_priority(empty_registry: None, sent: list[tuple[int, int]]) -> None:
    function = defer(note)
    less_urgent = function.options(metadata={priority.KEY: "-5"})
    function(1)
    less_urgent(2)
    with transaction.atomic():
        function(1)
        less_urgent(2)
        less_urgent(3)
    less_urgent.map(range(2))
    assert sorted(sent[:2]) == [(1, -5), (1, 0)]
    assert {given for _, given in sent[2:4]} == {0, -5}
    assert {given for _, given in sent[4:]} == {-5}


def test_redis_hands_out_what_is_less_urgent_last(
    redis_url: str, use_broker: Callable[[str], None], fresh_broker: Broker
) -> None:
    with lease_redis(redis_url) as url:
        use_broker(url)
        for given in (-100, -40, 0):
            assert fresh_broker.send("shop.defer.mail", [[str(given)]], {}, priority=given)
        assert [body[0][0][0] for body in _received(url, 3)] == ["0", "-40", "-100"]


def _received(url: str, count: int) -> Iterator[Any]:
    with celery_app().connection_for_read(url) as connection:
        queue = connection.SimpleQueue("celery")
        for _ in range(count):
            message = queue.get(timeout=20)
            message.ack()
            yield message.payload
        queue.close()
