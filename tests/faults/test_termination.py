"""SIGTERM for all processes of a worker at once, as systemd sends it unless it is told otherwise."""

from __future__ import annotations

import signal

import pytest

from tests.processes import Project
from tests.waiting import wait_until


@pytest.mark.parametrize("function", ["stay", "stay_async"])
def test_bodies_end_in_peace_when_the_whole_group_is_told_to_end(project: Project, function: str) -> None:
    worker = project.worker("prefork", 2)
    project.python(f"from tests.shop.defer.{function} import {function}\nfor label in 'ab': {function}(label)")
    wait_until(lambda: len(project.witness.lines()) == 2, 30, "both bodies have begun")
    worker.signal_all(signal.SIGTERM)
    worker.wait_for_log("Warm shutdown")
    project.python("from tests.shop.gates import open_gate\nopen_gate('a')\nopen_gate('b')")

    assert worker.wait() == 0
    assert project.states(function) == {"succeeded": 2}
    assert project.query("SELECT DISTINCT number, outcome FROM deferapp_attempt") == [(1, "succeeded")]
    assert sorted(project.witness.lines()) == ["a begun", "a left", "b begun", "b left"]


def test_a_cold_shutdown_still_ends_bodies_at_once_and_they_run_again(project: Project) -> None:
    worker = project.worker("prefork", 1)
    project.python("from tests.shop.defer.stay import stay\nstay('a')")
    wait_until(lambda: project.witness.lines("a begun"), 30, "the body has begun")
    worker.signal(signal.SIGQUIT)
    worker.wait()
    assert project.query("SELECT error_code FROM deferapp_attempt") == [("ER0004",)]
    project.python("from tests.shop.gates import open_gate\nopen_gate('a')")
    project.worker("prefork", 1)
    project.wait_for_states("stay", 60, succeeded=1)
