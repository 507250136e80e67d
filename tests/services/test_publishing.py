"""Publishing to real brokers, which are restarted, hang, and do not have the queue yet."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from kombu import Queue

from deferapp.dispatch import broker as broker_module
from deferapp.dispatch.broker import Broker, celery_app
from tests.servers import RabbitServer, RedisServer, SentinelServer, Server, free_port
from tests.waiting import wait_until

FUNCTION = "shop.defer.mail"
BOUND_SECONDS = 0.25
SERVERS = [RedisServer, RabbitServer]

both = pytest.mark.parametrize("server", SERVERS, indirect=True, ids=["redis", "rabbitmq"])
rabbit = pytest.mark.parametrize("server", [RabbitServer], indirect=True, ids=["rabbitmq"])


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[type[Server], Server]]:
    with RedisServer() as redis, RabbitServer() as rabbit:
        yield {RedisServer: redis, RabbitServer: rabbit}


@pytest.fixture
def server(
    request: pytest.FixtureRequest, servers: dict[type[Server], Server], monkeypatch: pytest.MonkeyPatch
) -> Server:
    """The broker of the project, running, with queues of this test's own."""
    monkeypatch.setattr(broker_module, "PAUSE_AFTER_ERROR", 0.0)
    server = servers[request.param]
    monkeypatch.setattr(celery_app().conf, "broker_url", server.url)
    monkeypatch.setitem(celery_app().conf, "task_default_queue", request.node.name)
    monkeypatch.setattr(celery_app().amqp, "queues", celery_app().amqp.Queues(None))
    monkeypatch.setattr(celery_app().amqp, "router", celery_app().amqp.Router())
    return server


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = Broker()
    yield broker
    broker._throw_away()


def _send(broker: Broker) -> bool:
    return broker.send(FUNCTION, [["0" * 32]], {"version": 1})


def _sends(broker: Broker) -> bool:
    try:
        return _send(broker)
    finally:
        broker._throw_away()


def _seconds_of(call: Callable[[], object]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


@both
def test_a_queue_that_is_not_there_holds_nothing_and_what_is_sent_then_is_counted(
    server: Server, broker: Broker
) -> None:
    assert broker.waiting(FUNCTION) == 0
    assert [_send(broker), _send(broker)] == [True, True]
    assert broker.waiting(FUNCTION) == 2


@both
def test_a_broker_that_was_restarted_is_sent_to_by_a_new_connection_at_once(server: Server, broker: Broker) -> None:
    assert _send(broker)
    server.stop()
    server.start()
    wait_until(lambda: _sends(Broker()), 10, "the broker is as quick as ever")
    assert _send(broker)


@both
def test_a_broker_that_hangs_after_the_connection_was_made_holds_nobody_up(server: Server, broker: Broker) -> None:
    assert _send(broker)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        # The best of several: a machine that is busy with other tests proves nothing about them.
        assert min(_seconds_of(lambda: _send(broker)) for _ in range(3)) < BOUND_SECONDS
        assert not _send(broker)
        with pytest.raises(Exception, match=r"timed out|Timeout"):
            broker.waiting(FUNCTION)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert _send(broker)


@both
def test_the_next_host_is_tried_when_the_first_refuses(
    server: Server, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = server.url.partition(":")[0]
    monkeypatch.setattr(celery_app().conf, "broker_url", f"{scheme}://127.0.0.1:{free_port()}/0;{server.url}")
    assert _send(broker)


def test_redis_behind_a_sentinel_is_bounded_too_and_so_is_the_sentinel(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "PAUSE_AFTER_ERROR", 0.0)
    with RedisServer() as server, SentinelServer(server) as sentinel:
        monkeypatch.setattr(celery_app().conf, "broker_url", sentinel.url)
        monkeypatch.setitem(celery_app().conf, "broker_transport_options", {"master_name": sentinel.master})
        wait_until(lambda: _send(broker), 10, "the Sentinel knows its Redis")
        for hanging in (server, sentinel):
            broker._throw_away()
            os.kill(hanging.pid, signal.SIGSTOP)
            try:
                assert min(_seconds_of(lambda: _send(broker)) for _ in range(3)) < BOUND_SECONDS
                assert not _send(broker)
            finally:
                os.kill(hanging.pid, signal.SIGCONT)
            assert _send(broker)


@rabbit
def test_a_queue_with_arguments_is_counted_as_any(
    server: Server, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue("quorum", routing_key="quorum", queue_arguments={"x-queue-type": "quorum"})
    monkeypatch.setitem(celery_app().conf, "task_routes", {FUNCTION: {"queue": queue}})
    monkeypatch.setattr(celery_app().amqp, "_rtable", None)  # is made anew, and forgotten after the test
    monkeypatch.setattr(celery_app().amqp, "router", celery_app().amqp.Router())
    assert _send(broker)
    assert broker.waiting(FUNCTION) == 1
