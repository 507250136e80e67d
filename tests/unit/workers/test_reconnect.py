"""A worker that loses its broker: which errors it survives, how often it tries again, and what it says about it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from deferapp.workers import reconnect


class ReadOnlyError(Exception):
    """As Redis's, which kombu takes for an error of the channel."""


class Connection:
    connection_errors = (ConnectionError,)
    channel_errors = (ReadOnlyError,)

    def ensure_connection(self, *args: Any, **options: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, options


class Consumer:
    """As Celery's, in as much as is asked of it."""

    max_retries: int | None = 100

    def __init__(self) -> None:
        self.app = SimpleNamespace(conf=SimpleNamespace(broker_channel_error_retry=False))
        self.conninfo = Connection()
        self.closing: Exception | None = None
        self.said: list[tuple[Exception, float]] = []

    def on_ready(self) -> None: ...

    def on_connection_error_after_connected(self, error: Exception) -> None:
        if self.closing is not None:
            raise self.closing

    def ensure_connected(self, connection: Any) -> Any:
        return connection.ensure_connection(self._say, self.max_retries, callback=None)

    def _say(self, error: Exception, interval: float) -> None:
        self.said.append((error, interval))


@pytest.fixture
def consumer() -> Any:
    return reconnect.soon(Consumer)()


def test_an_error_that_the_broker_answers_with_is_a_reason_to_begin_anew(consumer: Any) -> None:
    assert consumer.app.conf.broker_channel_error_retry
    consumer.on_ready()
    consumer.on_connection_error_after_connected(ReadOnlyError("You can't write against a read only replica."))


def test_before_the_worker_was_ready_it_is_a_reason_to_end(consumer: Any) -> None:
    with pytest.raises(ReadOnlyError):
        consumer.on_connection_error_after_connected(ReadOnlyError())
    consumer.on_connection_error_after_connected(ConnectionError())


def test_a_lost_connection_that_cannot_be_closed_properly_ends_nothing(
    consumer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    consumer.on_ready()
    consumer.closing = AttributeError("'NoneType' object has no attribute 'hostname'")
    consumer.on_connection_error_after_connected(ConnectionError())
    assert "could not be closed" in caplog.text


@pytest.mark.parametrize(("declared", "tries"), [(None, None), (100, None), (0, 0), (3, 90)])
def test_it_tries_again_each_second_and_for_at_least_as_long_as_celery_would(
    consumer: Any, declared: int | None, tries: int | None
) -> None:
    consumer.max_retries = declared
    (_, most), options = consumer.ensure_connected(Connection())
    assert most == tries
    assert options == {"callback": None, "interval_start": 1.0, "interval_step": 0, "interval_max": 1.0}


def test_it_says_so_at_once_and_then_more_and_more_seldom(consumer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(100_000))
    monkeypatch.setattr(reconnect.time, "monotonic", lambda: float(next(seconds)))
    (say, _), _ = consumer.ensure_connected(Connection())
    said = [second for second in range(200) if _is_said(consumer, say)]
    assert said[0] == 0
    assert len(said) < 15
    assert all(later - earlier <= reconnect.LONGEST_SILENCE + 2 for earlier, later in itertools.pairwise(said))


def _is_said(consumer: Any, say: Callable[[Exception, float], None]) -> bool:
    before = len(consumer.said)
    say(ConnectionError("refused"), 1.0)
    return len(consumer.said) > before


def test_a_consumer_class_is_changed_once_and_found_by_its_name() -> None:
    once = reconnect.soon("celery.worker.consumer:Consumer")
    assert reconnect.soon(once) is once
    assert once.__mro__[1].__module__ == "celery.worker.consumer.consumer"
