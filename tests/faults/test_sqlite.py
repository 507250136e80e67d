"""A ledger in SQLite that somebody else keeps locked for longer than anybody waits for it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.leases import lease_redis
from tests.processes import Project, opened
from tests.waiting import wait_until

TOTAL = 60
LOCKED_SECONDS = 9.0  # Django's default is to wait for 5

ENQUEUE = f"""
from tests.shop.defer.parcel import parcel
from tests.shop.defer.parcel_async import parcel_async
for function, numbers in ((parcel, range(0, {TOTAL}, 2)), (parcel_async, range(1, {TOTAL}, 2))):
    function.starmap(("parcel", number) for number in numbers)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def sqlite_project(redis_url: str, tmp_path: Path, ledger: Path) -> Iterator[Project]:
    with lease_redis(redis_url) as broker:
        project = Project(tmp_path, database_url=f"sqlite:///{ledger}", broker_url=broker)
        with opened(project):
            project.manage("migrate", "--verbosity=0")
            yield project


def test_a_ledger_in_sqlite_that_another_process_keeps_locked_loses_nothing(
    sqlite_project: Project, ledger: Path
) -> None:
    project = sqlite_project
    project.worker("prefork", 2)
    project.python(ENQUEUE)
    wait_until(lambda: len(project.witness.lines()) >= TOTAL // 4, 60, "some have begun")
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        wait_until(lambda: _locks(connection), 60, "the ledger is locked")
        ends = time.monotonic() + LOCKED_SECONDS
        wait_until(lambda: time.monotonic() > ends, LOCKED_SECONDS + 5, "the time is over")
        connection.execute("ROLLBACK")
        wait_until(lambda: _rows(connection) == {("succeeded", 1): TOTAL}, 90, lambda: str(_rows(connection)))
    assert project.witness.counts() == Counter(f"parcel {number}" for number in range(TOTAL))


def _locks(connection: sqlite3.Connection) -> bool:
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("BEGIN EXCLUSIVE")
        return True
    return False


def _rows(connection: sqlite3.Connection) -> Counter[tuple[str, int]]:
    """Executions by state and number of attempts."""
    with contextlib.suppress(sqlite3.OperationalError):
        return Counter(connection.execute("SELECT state, attempt FROM deferapp_execution").fetchall())
    return Counter()
