"""The systems that are compared, deferapp among them: the commands of their workers, and where they run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
import redis
from psycopg import sql

from benchmarks.cpu import seconds as cpu_seconds
from tests.leases import ROOT, migrate, with_path
from tests.proc import die_with_parent, kill_all, session_members
from tests.servers import PostgresServer, RedisServer

COUNTERS: Final = "5"
"""The logical database of Redis in which jobs count."""
WAITING: Final = ("waits", "queries")
"""Scenarios whose jobs wait, so that each system runs as many at once as it can."""


@dataclass(frozen=True, kw_only=True)
class System:
    name: str
    module: str
    """What `benchmarks.client` loads."""
    workers: Sequence[Sequence[str]]
    """Commands, each after `python -m`."""
    waiting: Sequence[Sequence[str]] = ()
    """The same for jobs that wait."""
    special: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    """The same for a scenario by its name."""
    is_peer: bool = True
    is_async: bool = False

    def commands(self, scenario: str) -> Sequence[Sequence[str]]:
        return self.special.get(scenario) or (self.waiting if scenario in WAITING else self.workers)


def _celery(app: str, *options: str) -> list[list[str]]:
    worker = ["celery", "-A", app, "worker", "--loglevel=WARNING", "--without-mingle", "--without-gossip"]
    return [[*worker, *options]]


_PREFORK: Final = ("--pool=prefork", "--concurrency=2")
_THREADS: Final = ("--pool=threads", "--concurrency=100")
_RAW: Final = "benchmarks.peers.celery"
_OURS: Final = _celery("tests", *_PREFORK)
_HUEY: Final = ["django", "run_huey", "--quiet"]
_PROCRASTINATE: Final = ["django", "procrastinate", "worker", "--concurrency"]
_TASKS_DB: Final = ["django", "db_worker", "-v", "0", "--no-startup-delay", "--worker-id"]

OURS: Final = System(
    name="deferapp",
    module="benchmarks.ours",
    workers=_OURS,
    waiting=_OURS,
    special={"loop": _celery("tests", "--pool=prefork", "--concurrency=1", "--queues=parents")},
    is_peer=False,
)
PEERS: Final = (
    System(name="celery", module=_RAW, workers=_celery(_RAW, *_PREFORK)),
    System(name="celery-group", module=_RAW, workers=()),
    System(name="celery-threads", module=_RAW, workers=(), waiting=_celery(_RAW, *_THREADS)),
    System(name="celery-results", module=_RAW, workers=_celery(_RAW, *_PREFORK)),
    System(
        name="huey",
        module="benchmarks.peers.huey",
        workers=[[*_HUEY, "--worker-type=process", "--workers=2"]],
        waiting=[[*_HUEY, "--worker-type=thread", "--workers=100"]],
    ),
    System(
        name="huey-greenlet",
        module="benchmarks.peers.huey",
        workers=(),
        waiting=[["benchmarks.peers.green", "run_huey", "--quiet", "--worker-type=greenlet", "--workers=100"]],
    ),
    System(
        name="procrastinate",
        module="benchmarks.peers.procrastinate",
        workers=[[*_PROCRASTINATE, "1"], [*_PROCRASTINATE, "1"]],
        waiting=[[*_PROCRASTINATE, "100"]],
    ),
    System(
        name="django-tasks-db", module="benchmarks.peers.tasks_db", workers=[[*_TASKS_DB, "w1"], [*_TASKS_DB, "w2"]]
    ),
)
BY_NAME: Final = {system.name: system for system in (OURS, *PEERS)}


class Worker:
    """A process that runs jobs, and what it brings up."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  it is closed by `kill`
        self._popen = subprocess.Popen(
            command,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        self.pid = self._popen.pid

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def kill(self) -> None:
        while members := session_members(self.pid):
            kill_all(members)
            self._popen.poll()
            time.sleep(0.02)
        self._popen.wait()
        self._log.close()


class Place:
    """A Redis and a PostgreSQL for all systems, with a database for the peers and one for us."""

    def __init__(self, redis_server: RedisServer, postgres: PostgresServer, python: Path) -> None:
        self._servers = (redis_server, postgres)
        self._peers_python = python
        self._postgres = postgres
        self._redis = redis.Redis.from_url(redis_server.url)
        self.counters = redis.Redis.from_url(with_path(redis_server.url, COUNTERS))
        self._urls: dict[str, str] = {}

    def url(self, system: System) -> str:
        """The database of a system: all peers share one. Migrated when it is asked for first."""
        kind = "peers" if system.is_peer else "ours"
        if kind not in self._urls:
            self._urls[kind] = with_path(self._postgres.url, f"bench_{kind}_{uuid.uuid4().hex[:6]}")
            with psycopg.connect(self._postgres.url, autocommit=True) as connection:
                name = self._urls[kind].rpartition("/")[2]
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            self._migrate(system)
        return self._urls[kind]

    def environment(self, system: System) -> dict[str, str]:
        database = self.url(system)
        ours = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "DATABASE_URL": database,
        }
        peers = {"DJANGO_SETTINGS_MODULE": "benchmarks.peers.settings", "BENCH_PEER": system.name}
        broker = self._servers[0].url
        return {
            **os.environ,
            **ours,
            **(peers if system.is_peer else {}),
            "BROKER_URL": broker,
            "BENCH_REDIS": with_path(broker, COUNTERS),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }

    def python(self, system: System) -> str:
        return str(self._peers_python) if system.is_peer else sys.executable

    def clear(self, system: System) -> None:
        """Throw away what the run before has left, in Redis and in the tables of the system."""
        self._redis.flushall()
        with psycopg.connect(self.url(system), autocommit=True) as connection:
            statement = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)"
            kept = ["django_migrations", "django_content_type", "auth_permission"]
            tables = [sql.Identifier(name) for (name,) in connection.execute(statement, [kept])]
            connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(sql.SQL(", ").join(tables)))
            connection.execute("CHECKPOINT")

    def start(self, system: System, scenario: str) -> list[Worker]:
        before = [self.python(system), "-m"]
        return [Worker([*before, *command], self.environment(system)) for command in system.commands(scenario)]

    def servers_cpu(self) -> float:
        return sum(cpu_seconds(server.pid) for server in self._servers)

    def _migrate(self, system: System) -> None:
        if not system.is_peer:
            migrate(self._urls["ours"])
            return
        command = [self.python(system), "-m", "django", "migrate", "--verbosity=0"]
        subprocess.run(command, env=self.environment(system), check=True)


@contextlib.contextmanager
def place(python: Path) -> Iterator[Place]:
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        yield Place(enter(RedisServer()), enter(PostgresServer()), python)
