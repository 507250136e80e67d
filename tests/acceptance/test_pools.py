"""Sync and async functions in the pools of Celery, and their connections to the database."""

from __future__ import annotations

import pytest

from tests.processes import Project

PROCESSES = 2
RUNS = 200

every_pool = pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])


@every_pool
def test_sync_and_async_functions_run_and_their_results_are_stored(project: Project, pool: str) -> None:
    project.worker(pool, PROCESSES)
    project.python(
        "from tests.shop.defer.add import add\n"
        "from tests.shop.defer.count_customers import count_customers\n"
        "for number in range(20):\n"
        "    add(number, 1)\n"
        "    count_customers(f'customer{number:02}')\n"
    )
    project.wait_for_states("add", 60, succeeded=20)
    project.wait_for_states("count_customers", 60, succeeded=20)
    assert project.results("add") == [number + 1 for number in range(20)]
    expected = [[1, f"customer{number:02}@example.com"] for number in range(20)]
    assert project.results("count_customers") == expected


def _ask_for_backends(project: Project, times: int) -> None:
    # One message for each execution, as a site with much traffic sends them.
    project.python(
        "from tests.shop.defer.async_backend import async_backend\n"
        "from tests.shop.defer.backend import backend\n"
        f"for _ in range({times // 2}):\n"
        "    backend()\n"
        "    async_backend()\n"
    )


def _backends(project: Project) -> set[int]:
    rows = project.query(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    return {pid for (pid,) in rows}


@every_pool
def test_two_hundred_executions_neither_leak_nor_reopen_connections(project: Project, pool: str) -> None:
    project.worker(pool, PROCESSES)
    _ask_for_backends(project, 40)
    project.wait_for_states("backend", 60, succeeded=20)
    project.wait_for_states("async_backend", 60, succeeded=20)
    before = _backends(project)

    _ask_for_backends(project, RUNS)
    project.wait_for_states("backend", 120, succeeded=20 + RUNS // 2)
    project.wait_for_states("async_backend", 120, succeeded=20 + RUNS // 2)
    after = _backends(project)

    assert before, "a worker has connections"
    assert before <= after, "a connection was closed"
    used = {*project.results("backend"), *project.results("async_backend")}
    assert used <= after, "a function ran on a connection that is gone"
    # For each process or thread: one for sync code, one for the async ORM, one for the watching thread. Housekeeping
    # has one, and so has the main thread.
    assert len(after) <= 3 * PROCESSES + 2
