"""The servers of the tests themselves: they keep their data when told to, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import amqp
import psycopg
import redis

from tests.leases import ROOT, lease_redis
from tests.proc import children_of
from tests.servers import PostgresServer, RabbitServer, RedisServer
from tests.waiting import wait_until

HOLD_SERVERS = """
import signal
from tests.servers import PostgresServer, RabbitServer, RedisServer
with RedisServer() as cache, PostgresServer() as database, RabbitServer() as broker:
    print(cache.directory, database.directory, broker.directory, flush=True)
    signal.pause()
"""


def test_a_postgres_that_was_killed_comes_back_with_what_was_committed() -> None:
    with PostgresServer() as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        server.kill()
        server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT value FROM kept").fetchall() == [(7,)]


def test_a_redis_that_was_stopped_comes_back_with_its_data_and_emptied_without() -> None:
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        client.set("kept", "7")
        server.stop()
        server.start()
        assert client.get("kept") == b"7"
        server.empty()
        assert client.dbsize() == 0


def test_a_rabbit_that_was_killed_keeps_persistent_messages_until_it_is_wiped() -> None:
    with RabbitServer() as server:
        with amqp.Connection(server.address, confirm_publish=True) as connection:
            channel = connection.channel()
            channel.queue_declare("kept", durable=True, auto_delete=False)
            channel.basic_publish(amqp.Message("7", delivery_mode=2), routing_key="kept")
        for wiped, expected in ((False, 1), (True, None)):
            server.kill()
            if wiped:
                server.wipe()
            server.start()
            assert _size_of(server, "kept") == expected


def _size_of(server: RabbitServer, queue: str) -> int | None:
    """How many messages are in a queue; None if there is no such queue."""
    with amqp.Connection(server.address) as connection:
        try:
            return int(connection.channel().queue_declare(queue, passive=True).message_count)
        except amqp.NotFound:
            return None


def test_servers_end_and_their_files_go_when_their_owner_is_killed() -> None:
    command = [sys.executable, "-c", HOLD_SERVERS]
    owner = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout is not None
        directories = owner.stdout.readline().split()
        processes = [f"/proc/{pid}" for pid in children_of(owner.pid)]
    finally:
        owner.kill()
        owner.communicate()
    assert len(directories) == 3
    assert len(processes) > 3  # those that remove the directories, and RabbitMQ's epmd, are among them
    for path in directories + processes:
        wait_until(lambda path=path: not os.path.exists(path), 30, f"{path} is gone")


def test_two_leases_of_one_redis_are_different_empty_databases(redis_url: str) -> None:
    with lease_redis(redis_url) as first, lease_redis(redis_url) as second:
        assert first != second
        with redis.Redis.from_url(first) as client:
            client.set("key", "value")
        with redis.Redis.from_url(second) as client:
            assert client.get("key") is None


def test_a_logical_database_that_holds_something_is_never_leased(tmp_path: Path) -> None:
    with RedisServer() as server:
        highest = server.url.removesuffix("/0") + f"/{server.databases - 1}"
        with redis.Redis.from_url(highest) as client:
            client.set("somebody's", "value")
        with lease_redis(server.url) as leased:
            assert leased != highest
        with redis.Redis.from_url(highest) as client:
            assert client.get("somebody's") == b"value"
