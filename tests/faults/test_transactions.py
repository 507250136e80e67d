"""Transactions that enqueue and are rolled back, or are long, or whose process is killed around their commit."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.conftest import SayFigure
from tests.faults.counting import lost_and_twice
from tests.processes import Project
from tests.waiting import wait_until

COUNT = 20
NOTES = [f"note {number}" for number in range(COUNT)]
ENOUGH_SECONDS = 60.0

PRELUDE = f"""
COUNT = {COUNT}
import os, signal
import tests, django
django.setup()
from django.db import transaction
from tests.shop import gates, witness
from tests.shop.defer.note import note

def enqueue():
    for number in range(COUNT):
        note(f"note {{number}}")

def die(*_arguments, **_keywords):
    os.kill(os.getpid(), signal.SIGKILL)

"""

ROLLED_BACK = """
for number in range(COUNT):
    try:
        with transaction.atomic():
            note(f"note {number}")
            raise LookupError
    except LookupError:
        pass
"""

KILLED_BEFORE_THE_COMMIT = """
with transaction.atomic():
    enqueue()
    die()
"""

# Hooks of a transaction are called in their order, and publishing is one.
KILLED_AFTER_THE_COMMIT = """
with transaction.atomic():
    transaction.on_commit(die)
    enqueue()
"""

KILLED_AFTER_AUTOCOMMITS = """
from deferapp.dispatch.broker import broker
for number in range(COUNT):
    if not os.fork():
        broker.send = die
        note(f"note {number}")
    os.wait()
die()
"""

HELD_OPEN = """
with transaction.atomic():
    enqueue()
    witness.tell("enqueued")
    gates.wait("commit")
    witness.tell("committing")
"""


def _run(project: Project, code: str) -> int:
    """Run a process of the project and return its exit code: minus the signal that killed it."""
    return project.finish("-c", PRELUDE + code).returncode


def _notes_when_all_has_run(project: Project) -> list[str]:
    """Enqueue one more, and return what has run when that has and nothing else is left."""
    assert _run(project, "note('the last')") == 0
    wait_until(lambda: "the last" in project.witness.lines(), ENOUGH_SECONDS, "the last one runs")
    left = "SELECT count(*) FROM deferapp_execution WHERE state <> 'succeeded'"
    wait_until(lambda: project.query(left) == [(0,)], ENOUGH_SECONDS, "all run")
    return project.witness.lines("note")


@pytest.mark.parametrize(
    ("code", "exit_code", "what"),
    [
        pytest.param(ROLLED_BACK, 0, "rolled back", id="rolled back"),
        pytest.param(KILLED_BEFORE_THE_COMMIT, -signal.SIGKILL, "killed before the commit", id="killed before"),
    ],
)
def test_what_was_not_committed_never_runs(
    project: Project, code: str, exit_code: int, what: str, figure: SayFigure
) -> None:
    project.worker("prefork", 1)
    assert _run(project, code) == exit_code
    ran = _notes_when_all_has_run(project)
    assert ran == []
    figure("rolled back", f"{what}: {len(ran)} of {COUNT} run")


@pytest.mark.parametrize(
    ("code", "what"),
    [
        pytest.param(KILLED_AFTER_THE_COMMIT, "right after the commit of all", id="one commit"),
        pytest.param(KILLED_AFTER_AUTOCOMMITS, "right after each commit", id="autocommits"),
    ],
)
def test_what_was_committed_runs_though_its_process_is_killed_before_it_can_publish(
    project: Project, code: str, what: str, figure: SayFigure
) -> None:
    project.worker("prefork", 1)
    assert _run(project, code) == -signal.SIGKILL
    assert project.states("note").total() == COUNT
    lost, twice = lost_and_twice(_notes_when_all_has_run(project), NOTES)
    assert (lost, twice) == ([], [])
    figure("rolled back", f"killed {what}: {len(lost)} of {COUNT} lost, {len(twice)} twice")


@pytest.mark.parametrize("site", ["Redis", "RabbitMQ"], indirect=True)
def test_an_idle_worker_begins_nothing_of_a_transaction_that_takes_long_before_its_commit(
    site: Project, request: pytest.FixtureRequest, figure: SayFigure
) -> None:
    site.worker("prefork", 2)
    command = [sys.executable, "-c", PRELUDE + HELD_OPEN]
    with subprocess.Popen(command, env=site.environment()) as transaction:
        try:
            wait_until(lambda: site.witness.lines("enqueued"), ENOUGH_SECONDS, "all are enqueued")
            _wait_for_housekeeping(site, 3)
            # Another connection's work runs meanwhile.
            assert _run(site, "note('outside')") == 0
            wait_until(lambda: site.witness.lines("outside"), ENOUGH_SECONDS, "the worker is idle")
            Path(f"{site.witness.path}.commit").touch()
            assert transaction.wait(ENOUGH_SECONDS) == 0
        finally:
            transaction.kill()
    site.wait_for_states("note", ENOUGH_SECONDS, succeeded=COUNT + 1)

    lines = site.witness.lines()
    early = [line for line in lines[: lines.index("committing")] if line.startswith("note")]
    lost, twice = lost_and_twice(site.witness.lines("note"), NOTES)
    assert (early, lost, twice) == ([], [], [])
    where = request.node.callspec.params["site"]
    figure("before commit", f"{len(lost)} of {COUNT} lost, {len(early)} early, {len(twice)} twice ({where})")


def _wait_for_housekeeping(project: Project, seconds: int) -> None:
    """Return when a worker has kept house for so long from now on."""
    lease = "SELECT lease_until FROM deferapp_housekeeping WHERE worker_id IS NOT NULL"
    (begin,) = wait_until(lambda: project.query(lease), ENOUGH_SECONDS, "somebody keeps house")
    ends = begin[0] + timedelta(seconds=seconds)
    wait_until(lambda: project.query(lease)[0][0] >= ends, ENOUGH_SECONDS, "housekeeping goes on")
