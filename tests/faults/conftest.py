"""What the tests of faults share: where they take place, and how they say what they saw, for the table at the end."""

from __future__ import annotations

import contextlib
import functools
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.table import ROWS
from tests.leases import lease_redis
from tests.processes import Project, ProjectMaker, opened
from tests.servers import RabbitServer

SayFigure = Callable[[str, str], None]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process run all that shares a RabbitMQ: starting one takes as long as a test."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec is not None and callspec.params.get("site") == "RabbitMQ" and "rabbit" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("RabbitMQ"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> SayFigure:
    """`figure("child killed", "0 lost, again after 0.9 s")` puts what this test saw into the row of its fault."""

    def say(row: str, seen: str) -> None:
        assert row in ROWS, f"{row!r} is no row of the table of faults"
        request.node.user_properties.append(("figure", [row, seen]))

    return say


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Callable[[], RabbitServer]]:
    """A RabbitMQ that no test breaks, started when it is first asked for."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda: stack.enter_context(RabbitServer()))


@pytest.fixture
def site(
    request: pytest.FixtureRequest,
    make_project: ProjectMaker,
    redis_url: str,
    rabbit: Callable[[], RabbitServer],
    tmp_path: Path,
) -> Iterator[Project]:
    """A project on what the parameter names: "Redis" or "RabbitMQ", with PostgreSQL, or "SQLite", with Redis."""
    with contextlib.ExitStack() as stack:
        if request.param == "SQLite":
            broker, database = stack.enter_context(lease_redis(redis_url)), f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
            project = stack.enter_context(opened(Project(tmp_path, database_url=database, broker_url=broker)))
            project.manage("migrate", "--verbosity=0")
        else:
            project = stack.enter_context(make_project(tmp_path))
        if request.param == "RabbitMQ":
            project.broker_url = rabbit().url
            project.settings["CELERY_TASK_DEFAULT_QUEUE"] = f"celery-{uuid.uuid4()}"
        yield project
