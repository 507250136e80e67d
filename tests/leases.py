"""A database and a logical Redis database for each test with processes: such tests run side by side."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent


def with_path(url: str, path: str) -> str:
    """Return the URL with another path, which is the name of a database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


def migrate(url: str) -> None:
    """Make the tables of the tests' project in an empty database."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"migrate failed:\n{done.stdout}{done.stderr}"


class Databases:
    """Databases on one server, copied from a template that is migrated once a run."""

    def __init__(self, server_url: str, run: str) -> None:
        self._server_url = server_url
        self._run = run

    @property
    def _template(self) -> str:
        return f"deferapp_{self._run}_template"

    @contextlib.contextmanager
    def lease(self) -> Iterator[str]:
        """Give the URL of a migrated database of one's own, dropped at the end whoever is connected."""
        name = f"deferapp_{self._run}_{uuid.uuid4().hex[:12]}"
        with self._alone():
            if not self._exists(self._template):
                self._make_template()
            self._execute("CREATE DATABASE {} TEMPLATE {}", name, self._template)
        try:
            yield with_path(self._server_url, name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def drop_template(self) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._template)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process of the run at a time go on: the template is made once, and copied one by one."""
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [self._template])
            yield

    def _make_template(self) -> None:
        self._execute("CREATE DATABASE {}", self._template)
        try:
            migrate(with_path(self._server_url, self._template))
        except AssertionError:
            self.drop_template()
            raise

    def _exists(self, name: str) -> bool:
        with psycopg.connect(self._server_url) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            return found.fetchone() is not None

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextlib.contextmanager
def lease_mariadb(server_url: str, run: str) -> Iterator[str]:
    """Give the URL of a migrated database of one's own on a MariaDB, dropped at the end."""
    import MySQLdb  # Only those who name a MariaDB need its driver.

    parts, name = urlsplit(server_url), f"deferapp_{run}_{uuid.uuid4().hex[:12]}"
    user = {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    with contextlib.closing(MySQLdb.connect(host=parts.hostname, port=parts.port or 3306, **user)) as connection:
        connection.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            migrate(with_path(server_url, name))
            yield with_path(server_url, name)
        finally:
            connection.query(f"DROP DATABASE {name}")


# Only a logical database that holds nothing is taken: on a server that was given, the others are somebody's.
_TAKE = "if redis.call('DBSIZE') == 0 then return redis.call('SET', KEYS[1], ARGV[1]) end return false"
_TAKEN = "deferapp-tests-lease"


@contextlib.contextmanager
def lease_redis(server_url: str) -> Iterator[str]:
    """Give the URL of an empty logical database of one's own; it is emptied at the end.

    The lease is a key in it. So a test that empties its Redis starts a server of its own.
    """
    with redis.Redis.from_url(server_url) as client:
        count = int(client.config_get("databases")["databases"])
    for number in reversed(range(count)):
        url = with_path(server_url, str(number))
        with redis.Redis.from_url(url) as client:
            if not client.eval(_TAKE, 1, _TAKEN, os.getpid()):
                continue
            try:
                yield url
            finally:
                client.flushdb()
            return
    raise AssertionError(f"all {count} logical databases of Redis hold something")
