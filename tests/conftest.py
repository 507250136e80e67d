"""Fixtures that all tests may use: servers, projects with real processes; and the rules of a run in CI."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.table import markdown
from tests.leases import Databases, lease_redis
from tests.processes import Project, ProjectMaker, logs, opened
from tests.servers import PostgresServer, RedisServer

# What an entry point loads where deferapp is installed.
pytest_plugins = ["deferapp.testing.plugin"]

# Tells the databases of this run from those of others on the same server; xdist's workers inherit it.
RUN = "DEFERAPP_TEST_RUN"
IS_CI = bool(os.environ.get("CI"))


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault(RUN, uuid.uuid4().hex[:8])


def pytest_unconfigure(config: pytest.Config) -> None:
    is_controller = not hasattr(config, "workerinput")
    if is_controller and _is_postgres(os.environ.get("DATABASE_URL", "")):
        Databases(os.environ["DATABASE_URL"], os.environ[RUN]).drop_template()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """After the shuffling, keep groups together, and begin with what would be waited for at the end."""
    groups = {group: number for number, group in enumerate(dict.fromkeys(map(_group, items)))}
    items.sort(key=lambda item: (_place(item), groups[_group(item)]))
    # xdist 3.8 says nothing when it cannot do that, as with pytest 9.2: each process would start all that is shared.
    if config.getoption("loadgroup", False):
        assert all("@" in item.nodeid for item in items if _group(item)), "xdist keeps no group together"


def _group(item: pytest.Item) -> str:
    return " ".join(sorted(str(mark.args[0]) for mark in item.iter_markers("xdist_group")))


def _place(item: pytest.Item) -> int:
    """First those that share what takes minutes, then others with real processes, and last what never waits."""
    if _group(item):
        return 0
    return 1 if {"project", "site", "make_project"} & set(getattr(item, "fixturenames", ())) else 2


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        report.sections.extend(logs())
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let nothing be skipped in CI: a test that cannot run there protects nothing."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if IS_CI and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("Tests were skipped, which fails a run in CI.", red=True)
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the tests of faults saw, in the form in which `docs/reliability.md` has it."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    figures = [
        (value[0], value[1])
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "figure"
    ]
    if figures:
        terminalreporter.section("faults")
        terminalreporter.write_line("\n".join(markdown(figures)))


def _is_postgres(url: str) -> bool:
    return url.startswith(("postgres://", "postgresql://"))


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a running Redis: the one given, or one of our own."""
    with contextlib.ExitStack() as stack:
        yield os.environ.get("REDIS_URL") or stack.enter_context(RedisServer()).url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a running PostgreSQL: the one given, or one of our own."""
    given = os.environ.get("DATABASE_URL", "")
    with contextlib.ExitStack() as stack:
        yield given if _is_postgres(given) else stack.enter_context(PostgresServer()).url


@pytest.fixture
def broker_url(redis_url: str) -> Iterator[str]:
    """The URL of an empty logical database of Redis for this test alone."""
    with lease_redis(redis_url) as url:
        yield url


@pytest.fixture(scope="session")
def make_project(redis_url: str, postgres_url: str) -> ProjectMaker:
    """Make projects for fixtures of any scope: `with make_project(directory, **settings) as project`."""
    databases = Databases(postgres_url, os.environ[RUN])

    @contextlib.contextmanager
    def make(directory: Path, **settings: Any) -> Iterator[Project]:
        with lease_redis(redis_url) as broker, databases.lease() as database:
            project = Project(directory, database_url=database, broker_url=broker, settings=settings)
            with opened(project):
                yield project

    return make


@pytest.fixture
def project(make_project: ProjectMaker, tmp_path: Path) -> Iterator[Project]:
    """A project with a database, a broker and a witness of its own; its processes end with the test."""
    with make_project(tmp_path) as project:
        yield project
