"""A project with servers of its own, as the tests use them, and the functions of `benchmarks.work`."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from typing import Any

from tests.leases import Databases, lease_redis
from tests.processes import Project, opened
from tests.servers import PostgresServer, RedisServer, temporary_directory

APPS = ["benchmarks.work"]


@contextlib.contextmanager
def site(**settings: Any) -> Iterator[Project]:
    """A migrated project on PostgreSQL, with its default durability, and Redis; everything ends with it."""
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        postgres_url = os.environ.get("DATABASE_URL") or enter(PostgresServer()).url
        redis_url = os.environ.get("REDIS_URL") or enter(RedisServer()).url
        databases = Databases(postgres_url, f"bench{uuid.uuid4().hex[:6]}")
        stack.callback(databases.drop_template)
        urls = {"database_url": enter(databases.lease()), "broker_url": enter(lease_redis(redis_url))}
        project = Project(enter(temporary_directory()), settings={"EXTRA_APPS": APPS, **settings}, **urls)
        yield enter(opened(project))
