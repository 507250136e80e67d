"""What leaves for the broker, and what becomes of a connection that broke."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deferapp.dispatch import broker as broker_module
from deferapp.dispatch.broker import Broker, celery_app


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
    connection = broker._connection

    def fail(*_args: object, **_options: object) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(celery_app().amqp, "send_task_message", fail)
    assert not broker.send("shop.defer.mail", [["0" * 32]], {"version": 1})
    assert thrown == [connection]
    assert connection is not None
