"""Bodies that nothing inside their process can stop: the worker ends the process from outside."""

from __future__ import annotations

import time

from deferapp.workers.deadlines import MARGIN
from tests.processes import Project
from tests.waiting import wait_until

LIMIT = MARGIN + 10.0
"""Seconds from a body's beginning, with a `max_duration` of one."""


def test_a_body_that_never_gives_up_pythons_lock_ends_with_its_process(project: Project) -> None:
    worker = project.worker("prefork", 2)
    project.python("from tests.shop.defer.backtrack import backtrack\nbacktrack('one')")
    wait_until(lambda: project.witness.lines("one began"), 30, "the body begins")
    began = time.monotonic()
    wait_until(lambda: project.states("backtrack")["failed"], LIMIT + 30, "the attempt has failed")
    seconds = time.monotonic() - began
    project.python("from tests.shop.defer.note import note\nfor number in range(4): note(str(number))")
    project.wait_for_states("note", 30, succeeded=4)

    assert project.witness.lines("one") == ["one began"]
    assert project.query("SELECT error_code, attempt FROM deferapp_execution WHERE state = 'failed'") == [("ER0001", 1)]
    assert worker.is_alive
    assert seconds < LIMIT


def test_a_child_that_is_frozen_in_a_body_is_killed_and_its_execution_fails(project: Project) -> None:
    worker = project.worker("prefork", 1)
    project.python("from tests.shop.defer.freeze import freeze\nfreeze()")
    wait_until(lambda: project.states("freeze")["failed"], LIMIT + 30, "the attempt has failed")
    project.python("from tests.shop.defer.note import note\nnote('after it')")
    project.wait_for_states("note", 30, succeeded=1)
    assert worker.is_alive
