"""What functions log in the processes of a real worker."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from tests.processes import Project
from tests.waiting import wait_until

SPEAK = "tests.shop.defer.speak"
SECONDS = 60.0
SPOKEN = [
    ("INFO", "tests.shop.defer.speak", "for A, with password=********************"),
    ("WARNING", "celery.redirected", "printed"),
    ("WARNING", "tests.shop.defer.speak", "by a thread"),
]
END = ("INFO", "tests.shop.defer.speak", "the end")


def _logs(project: Project) -> dict[int, list[tuple[str, ...]]]:
    rows: list[Any] = project.query("SELECT number, lines FROM deferapp_attemptlog ORDER BY number")
    return {number: [tuple(line[1:]) for line in lines] for number, lines in rows}


def _open_gate(project: Project) -> None:
    Path(f"{project.witness.path}.A").touch()


def test_an_attempt_whose_process_is_killed_keeps_what_it_had_logged(project: Project) -> None:
    worker = project.worker("prefork", 1)
    project.python("from tests.shop.defer.speak import speak; speak('A')")
    wait_until(lambda: _logs(project) == {1: SPOKEN}, SECONDS, "what was logged is written while the body runs")
    (child,) = worker.children()
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: len(project.witness.lines("A has spoken")) == 2, SECONDS, "the next attempt has begun")
    _open_gate(project)
    project.wait_for_states("speak", SECONDS, succeeded=1)
    assert _logs(project) == {1: SPOKEN, 2: [*SPOKEN, END]}


def test_without_a_pool_a_thread_that_a_body_starts_by_itself_is_not_taken_for_the_body(project: Project) -> None:
    project.worker("solo", 1)
    _open_gate(project)
    project.python("from tests.shop.defer.speak import speak; speak('A')")
    project.wait_for_states("speak", SECONDS, succeeded=1)
    assert _logs(project) == {1: [*SPOKEN[:2], END]}
