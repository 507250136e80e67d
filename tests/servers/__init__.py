"""Private servers: for a whole run, or for one test that stops, kills and empties its own.

Each is a process on a free port of 127.0.0.1, with data in a temporary directory and its default durability, but for
the PostgreSQL of a whole run, which nobody stops. It ends with the process that started it, however that one ends.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from tests.servers.postgres import PostgresServer
from tests.servers.programs import find_chromium
from tests.servers.rabbit import RabbitServer
from tests.servers.redis import RedisServer, SentinelServer
from tests.servers.server import Server, ServerError, free_port, temporary_directory

__all__ = [
    "PostgresServer",
    "RabbitServer",
    "RedisServer",
    "SentinelServer",
    "Server",
    "ServerError",
    "find_chromium",
    "free_port",
    "servers_in_environment",
    "temporary_directory",
]


@contextlib.contextmanager
def servers_in_environment() -> Iterator[None]:
    """Start what REDIS_URL and DATABASE_URL do not name yet, and let them name it."""
    with contextlib.ExitStack() as stack:
        if "REDIS_URL" not in os.environ:
            os.environ["REDIS_URL"] = stack.enter_context(RedisServer()).url
        if "DATABASE_URL" not in os.environ:
            os.environ["DATABASE_URL"] = stack.enter_context(PostgresServer(is_durable=False)).url
        yield
