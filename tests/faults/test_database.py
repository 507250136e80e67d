"""The database stops, crashes, throws everybody out, has no room, is locked or read-only, while workers drain."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.faults.conftest import SayFigure
from tests.faults.drain import Drain
from tests.leases import lease_redis
from tests.proc import kill_all, session_members
from tests.processes import Project, opened
from tests.servers import PostgresServer
from tests.waiting import wait_until

# One group, so that the server and the workers are started once.
pytestmark = pytest.mark.xdist_group("database faults")

BEGUN = 50
GOING_AGAIN_SECONDS = 20.0
LOCKED_SECONDS = 20.0  # more than the 15 after which a silent worker is taken for dead

HELD = "held by the test"
_END_OTHERS = f"""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> '{HELD}'"""


class SmallServer(PostgresServer):
    max_connections = 40


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with SmallServer() as server:
        yield server


@pytest.fixture(scope="module")
def project(server: PostgresServer, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Two workers of two processes."""
    with lease_redis(redis_url) as broker:
        project = Project(tmp_path_factory.mktemp("database"), database_url=server.url, broker_url=broker)
        with opened(project):
            project.manage("migrate", "--verbosity=0")
            project.worker()
            project.worker()
            yield project


def _drain_through(project: Project, fault: Callable[[], object], total: int = 200) -> str:
    """Begin to drain, let the fault come and go, and count. Returns what was seen."""
    drain = Drain(project, total)
    drain.begin(BEGUN)
    fault()
    over, seen = time.monotonic(), drain.seen
    drain.wait_for(min(total, seen + 1), GOING_AGAIN_SECONDS)
    going = time.monotonic() - over
    drain.wait_for_end()
    return f"{drain.assert_exact()}, going again after {going:.1f} s"


def test_a_database_that_is_down_for_ten_seconds_costs_nothing_but_time(
    project: Project, server: PostgresServer, figure: SayFigure
) -> None:
    def down() -> None:
        server.stop()
        _wait(10)
        server.start()

    seen = _drain_through(project, down, 500)
    figure("database down", f"{seen}, no live worker declared dead")


def test_a_database_that_crashes_twice_loses_nothing(project: Project, server: PostgresServer) -> None:
    def crash() -> None:
        for _ in range(2):
            server.kill()
            server.start()

    _drain_through(project, crash)


def test_connections_that_are_ended_again_and_again_lose_nothing(project: Project) -> None:
    def end() -> None:
        for _ in range(20):
            project.query(_END_OTHERS)
            _wait(0.2)

    _drain_through(project, end, 300)


def test_too_many_connections_for_a_while_lose_nothing(project: Project) -> None:
    def fill() -> None:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(_held(project))
            wait_until(lambda: _fill(project, stack) and not first.execute(_END_OTHERS).fetchall(), 60, "it is full")
            _wait(6)

    _drain_through(project, fill)


@pytest.mark.parametrize("tables", ["deferapp_worker", "deferapp_execution", "deferapp_worker, deferapp_execution"])
def test_tables_that_are_locked_for_longer_than_a_worker_may_be_silent_make_nobody_dead(
    project: Project, tables: str
) -> None:
    _drain_through(project, lambda: _lock(project, tables, LOCKED_SECONDS))


def test_a_database_that_takes_no_writes_for_a_while_loses_nothing(project: Project) -> None:
    def refuse_writes() -> None:
        with _setting(project, "default_transaction_read_only", "on"):
            _wait(8)

    _drain_through(project, refuse_writes)


def test_short_limits_for_statements_and_idle_transactions_lose_nothing(project: Project) -> None:
    def limit() -> None:
        with (
            _setting(project, "statement_timeout", "300ms"),
            _setting(project, "idle_in_transaction_session_timeout", "200ms"),
        ):
            for _ in range(3):
                _lock(project, "deferapp_execution", 1)
                _stop_and_continue(project, 0.5)

    _drain_through(project, limit, 400)


def _wait(seconds: float) -> None:
    """As long as the fault is to last: nothing else tells the end of it."""
    ends = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > ends, seconds + 5, "the time is over")


def _fill(project: Project, stack: contextlib.ExitStack) -> bool:
    """Connect until there is no room for another."""
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            stack.enter_context(_held(project))
    return True


def _held(project: Project) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(project.database_url, autocommit=True, application_name=HELD)


def _lock(project: Project, tables: str, seconds: float) -> None:
    with psycopg.connect(project.database_url) as connection:
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        _wait(seconds)


@contextlib.contextmanager
def _setting(project: Project, name: str, value: str) -> Iterator[None]:
    """Let the host say this of all connections: it holds for new ones, so the others are ended."""
    _execute(project, f"ALTER DATABASE postgres SET {name} = '{value}'")
    project.query(_END_OTHERS)
    try:
        yield
    finally:
        _execute(project, f"ALTER DATABASE postgres RESET {name}")
        project.query(_END_OTHERS)


def _execute(project: Project, statement: str) -> None:
    with psycopg.connect(project.database_url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(statement)


def _stop_and_continue(project: Project, seconds: float) -> None:
    """Let all processes of the workers stand still, in the middle of a transaction if it happens so."""
    pids = [pid for process in project.processes for pid in session_members(process.pid)]
    kill_all(pids, signal.SIGSTOP)
    _wait(seconds)
    kill_all(pids, signal.SIGCONT)
