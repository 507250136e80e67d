"""Enqueueing from wherever a project may want to, seen by a worker in another process."""

from __future__ import annotations

import pytest
import redis

from tests.processes import Project
from tests.waiting import wait_until

PRELUDE = """
import asyncio
from django.db import transaction
from django.test import AsyncClient, Client
from tests.shop.defer.note import note
"""


def _run(project: Project, code: str) -> str:
    return project.python(PRELUDE + code)


def _messages(project: Project) -> int:
    with redis.Redis.from_url(project.broker_url) as client:
        return int(client.llen("celery"))


def _assert_that_a_worker_runs(project: Project, *expected: str) -> None:
    """Start a worker after the fact: what it runs is what has been enqueued."""
    project.worker("solo", 1)
    project.wait_for_states("note", 60, **({"succeeded": len(expected)} if expected else {}))
    assert sorted(project.witness.lines()) == sorted(expected)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("print(note('text').id)", id="called in sync code"),
        pytest.param("print(note.enqueue('text').id)", id="enqueue"),
        pytest.param(
            "async def main(): print((await note('text')).id)\nasyncio.run(main())", id="called in async code"
        ),
        pytest.param("async def main(): print((await note.aenqueue('text')).id)\nasyncio.run(main())", id="aenqueue"),
        pytest.param("print(Client().post('/note/?text=text').json()['id'])", id="in a request"),
        pytest.param("print(Client().post('/anote/?text=text').json()['id'])", id="in a request to an async view"),
        pytest.param(
            "async def main(): print((await AsyncClient().post('/anote/?text=text')).json()['id'])\n"
            "asyncio.run(main())",
            id="in an async request",
        ),
        pytest.param("for each in note.map(['text']): print(each)", id="map"),
    ],
)
def test_an_execution_is_enqueued_at_once_and_runs_in_a_worker(project: Project, code: str) -> None:
    identity = _run(project, code)
    assert project.query("SELECT id::text, state FROM deferapp_execution") == [(identity, "created")]
    assert _messages(project) == 1
    _assert_that_a_worker_runs(project, "text")


def test_a_management_command_enqueues(project: Project) -> None:
    identity = project.manage("note", "from a command")
    assert project.query("SELECT id::text FROM deferapp_execution") == [(identity,)]
    _assert_that_a_worker_runs(project, "from a command")


def test_a_running_worker_does_not_begin_before_the_transaction_has_committed(project: Project) -> None:
    project.worker("solo", 1)
    # The second execution, of another connection and without a transaction, overtakes the first.
    _run(
        project,
        "import subprocess, sys, time\n"
        "from pathlib import Path\n"
        "from django.conf import settings\n"
        "with transaction.atomic():\n"
        "    note('inside')\n"
        "    subprocess.run([sys.executable, '-m', 'django', 'note', 'outside'], check=True)\n"
        "    while 'outside' not in Path(settings.WITNESS).read_text():\n"
        "        time.sleep(0.05)\n",
    )
    project.wait_for_states("note", 30, succeeded=2)
    assert project.witness.lines() == ["outside", "inside"]


def test_nothing_leaves_before_the_commit_and_everything_after_it(project: Project) -> None:
    counts = _run(
        project,
        "from tests.celery import app\n"
        "def waiting():\n"
        "    with app.connection_for_read() as connection:\n"
        "        return connection.default_channel.client.llen('celery')\n"
        "with transaction.atomic():\n"
        "    for number in range(3): note(str(number))\n"
        "    print(waiting())\n"
        "print(waiting() > 0)\n",
    )
    assert counts.split() == ["0", "True"]
    _assert_that_a_worker_runs(project, "0", "1", "2")


def test_a_transaction_that_is_rolled_back_enqueues_nothing(project: Project) -> None:
    _run(
        project,
        "try:\n"
        "    with transaction.atomic():\n"
        "        note('rolled back')\n"
        "        raise LookupError\n"
        "except LookupError:\n"
        "    pass\n",
    )
    assert _messages(project) == 0
    assert project.query("SELECT count(*) FROM deferapp_execution") == [(0,)]


def test_a_savepoint_that_is_rolled_back_takes_only_its_own_executions_with_it(project: Project) -> None:
    _run(
        project,
        "with transaction.atomic():\n"
        "    note('before')\n"
        "    try:\n"
        "        with transaction.atomic():\n"
        "            note('rolled back')\n"
        "            raise LookupError\n"
        "    except LookupError:\n"
        "        pass\n"
        "    note('after')\n",
    )
    _assert_that_a_worker_runs(project, "before", "after")


def test_a_worker_that_is_already_there_runs_what_is_enqueued_within_a_second_or_two(project: Project) -> None:
    project.worker()
    _run(project, "note('prompt')")
    wait_until(lambda: project.witness.lines() == ["prompt"], 5, "the execution runs")
