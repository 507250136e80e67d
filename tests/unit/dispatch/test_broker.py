"""What leaves for the broker, and what becomes of a connection that broke."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kombu.exceptions import ChannelError

from deferapp.dispatch import broker as broker_module
from deferapp.dispatch.broker import Broker, Refused, celery_app


def test_messages_are_json_whatever_the_projects_other_tasks_use(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, object] = {}
    app = celery_app()
    monkeypatch.setattr(app.amqp, "send_task_message", lambda *_args, **options: sent.update(options))
    monkeypatch.setitem(app.conf, "task_serializer", "pickle")
    assert Broker().send("shop.defer.mail", [["0" * 32]], {"version": 1})
    assert sent["serializer"] == "json"


def test_a_connection_that_broke_is_thrown_away(
    monkeypatch: pytest.MonkeyPatch, use_broker: Callable[[str], None]
) -> None:
    use_broker("memory://")
    thrown: list[object] = []
    monkeypatch.setattr(broker_module, "_throw_away", thrown.append)
    broker = Broker()
    assert broker.send("shop.defer.mail", [["0" * 32]], {"version": 1})
    (connection,) = broker._connections.values()

    def fail(*_args: object, **_options: object) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(celery_app().amqp, "send_task_message", fail)
    assert not broker.send("shop.defer.mail", [["0" * 32]], {"version": 1})
    assert thrown[0] == connection
    assert broker._connections == {}


def test_a_connection_that_the_broker_has_closed_meanwhile_is_replaced_at_once(
    monkeypatch: pytest.MonkeyPatch, use_broker: Callable[[str], None]
) -> None:
    use_broker("memory://")
    broker, producers = Broker(), []

    def fail_by_the_first(producer: object, *_args: object, **_options: object) -> None:
        producers.append(producer)
        if producer is producers[0] and len(producers) > 1:
            raise ConnectionError("closed")

    monkeypatch.setattr(celery_app().amqp, "send_task_message", fail_by_the_first)
    assert broker.send("shop.defer.mail", [["0" * 32]], {"version": 1})
    assert broker.send("shop.defer.mail", [["0" * 32]], {"version": 1})
    assert [producer is producers[0] for producer in producers] == [True, True, False]


def test_a_broker_that_refuses_to_say_how_many_messages_wait_is_sent_messages_all_the_same(
    monkeypatch: pytest.MonkeyPatch, use_broker: Callable[[str], None]
) -> None:
    use_broker("memory://")
    broker = Broker()
    assert broker.send("shop.defer.mail", [["0" * 32]], {"version": 1})
    (connection,) = broker._connections.values()

    def refuse(*_args: object, **_options: object) -> None:
        raise ChannelError("ACCESS_REFUSED", (50, 10), "Channel.queue_declare", "403")

    monkeypatch.setattr(connection.default_channel, "queue_declare", refuse)
    with pytest.raises(Refused, match="403"):
        broker.waiting("shop.defer.mail")
    assert broker.send("shop.defer.mail", [["0" * 32]], {"version": 1})
