"""The brokers that faults are caused on, each with a queue that a test can put anything into and look into."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final, Protocol

import amqp
import redis

from tests.faults import garbage
from tests.servers import RabbitServer, RedisServer
from tests.waiting import wait_until

QUEUE: Final = "celery"
EVENTS: Final = "celeryev"
EVENT: Final = "worker.heartbeat"


class Broker(Protocol):
    """A server of one's own, and its queue."""

    name: str
    server: RedisServer | RabbitServer

    def put(self, raw: Any) -> None:
        """Put something into the queue, which exists."""

    def broadcast(self, body: bytes) -> None:
        """Send an event that all workers hear."""

    def purge(self) -> None:
        """Take out what waits in the queue."""

    def held(self) -> int:
        """Count what waits and what was delivered without being acknowledged; on RabbitMQ, after the workers' end."""


class Redis:
    name = "Redis"

    def __init__(self, server: RedisServer) -> None:
        self.server = server

    def put(self, raw: Any) -> None:
        with self.client() as client:
            client.lpush(QUEUE, garbage.as_redis(raw))

    def broadcast(self, body: bytes) -> None:
        channel, message = f"/0.{EVENTS}/{EVENT}", garbage.as_redis(garbage.message(body))
        with self.client() as client:
            wait_until(lambda: client.publish(channel, message), 10, "a worker hears events")

    def purge(self) -> None:
        with self.client() as client:
            client.delete(QUEUE)

    def held(self) -> int:
        with self.client() as client:
            return int(client.llen(QUEUE)) + int(client.hlen("unacked"))

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.server.url)


class Rabbit:
    name = "RabbitMQ"

    def __init__(self, server: RabbitServer) -> None:
        self.server = server

    def put(self, raw: Any) -> None:
        with self.channel() as channel:
            channel.basic_publish(garbage.as_rabbit(raw), routing_key=QUEUE)

    def broadcast(self, body: bytes) -> None:
        message = amqp.Message(body, content_type="application/json", content_encoding="utf-8")
        with self.channel() as channel:
            channel.basic_publish(message, exchange=EVENTS, routing_key=EVENT)

    def purge(self) -> None:
        with self.channel() as channel:
            channel.queue_purge(QUEUE)

    def held(self) -> int:
        with self.channel() as channel:
            return int(channel.queue_declare(QUEUE, passive=True).message_count)

    @contextlib.contextmanager
    def channel(self) -> Iterator[amqp.Channel]:
        with amqp.Connection(self.server.address, confirm_publish=True) as connection:
            yield connection.channel()


@contextlib.contextmanager
def started(name: str) -> Iterator[Broker]:
    """Give the broker of this name, running, and end it."""
    if name == Redis.name:
        with RedisServer() as server:
            yield Redis(server)
    else:
        with RabbitServer() as rabbit:
            yield Rabbit(rabbit)
