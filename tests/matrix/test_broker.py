"""One worker, on the database and the broker that the matrix names, runs what is enqueued."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from tests.leases import Databases, lease_mariadb, lease_redis, migrate
from tests.processes import Project, opened
from tests.waiting import wait_until

PAIRS = json.loads(os.environ.get("MATRIX", "[]"))
"""Of a database and a broker, each with its URL, or with none."""
CALLS = "from tests.shop.defer.note import note\nfor name in ('a', 'b', 'c'): note(name)\n"
EMBEDDED = f"""
import time
from deferapp.embedded import EmbeddedWorker
from deferapp.models import Execution
{CALLS}
ends = time.monotonic() + 60
with EmbeddedWorker():
    while Execution.objects.exclude(state="succeeded").exists() and time.monotonic() < ends:
        time.sleep(0.05)
"""


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    database, database_url, broker, broker_url = request.param
    with (
        leased_database(database, database_url, tmp_path) as ledger,
        lease_redis(broker_url) if broker == "Redis" else nullcontext(broker_url or "memory://") as url,
        opened(Project(tmp_path, database_url=ledger, broker_url=url)) as project,
    ):
        yield project


def leased_database(kind: str, url: str, directory: Path) -> AbstractContextManager[str]:
    run = uuid.uuid4().hex[:8]
    if kind == "PostgreSQL":
        return Databases(url, run).lease()
    return lease_mariadb(url, run) if kind == "MariaDB" else sqlite(directory)


@contextlib.contextmanager
def sqlite(directory: Path) -> Iterator[str]:
    url = f"sqlite:///{directory}/db.sqlite3"
    migrate(url)
    yield url


@pytest.mark.parametrize("project", PAIRS, ids=lambda pair: f"{pair[0]}-{pair[2]}", indirect=True)
def test_a_worker_runs_what_is_enqueued_once(project: Project) -> None:
    if project.broker_url == "memory://":
        project.python(EMBEDDED)
    else:
        project.worker("prefork", 1)
        project.python(CALLS)
    wait_until(lambda: project.witness.counts() == {"a": 1, "b": 1, "c": 1}, 60, "each has run, and once")
