"""The children of a worker's pool: which are stuck, and of what the dead have died."""

from __future__ import annotations

import os
import signal
import time

import pytest

from deferapp.executions.endings import failure
from deferapp.workers import process
from deferapp.workers.children import Children
from deferapp.workers.deadlines import Deadlines
from tests.unit.rows import make_worker

pytestmark = pytest.mark.django_db

GONE = "1:1"
"""A process that had the number of init once."""


def test_a_child_that_died_while_the_kernel_was_short_of_memory_was_out_of_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kills = iter([3, 4, 4])
    monkeypatch.setattr(process, "oom_kills", lambda: next(kills))
    child = make_worker(host=process.host(), supervisor=process.this(), process=GONE)
    children = Children()
    assert children.dead() == [(child, failure.OUT_OF_MEMORY)]
    assert children.dead() == [(child, failure.LOST)]


def test_a_child_that_was_killed_for_being_stuck_took_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    child = make_worker(host=process.host(), supervisor=process.this(), process=GONE)
    killed = []
    monkeypatch.setattr(Deadlines, "have_passed", lambda _self, pid: pid == child.pid)
    monkeypatch.setattr(os, "kill", lambda *call: killed.append(call))
    children = Children()
    children.kill_the_stuck()
    assert killed == [(child.pid, signal.SIGKILL)]
    assert children.dead() == [(child, failure.STUCK)]


def test_a_child_that_is_killed_for_being_stuck_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    child = make_worker(host=process.host(), supervisor=process.this(), process=GONE)
    is_there = iter([True, True, False, False])
    monkeypatch.setattr(Deadlines, "have_passed", lambda _self, pid: pid == child.pid)
    monkeypatch.setattr(os, "kill", lambda *call: None)
    monkeypatch.setattr(process, "is_alive", lambda _name: next(is_there))
    children = Children()
    children.kill_the_stuck()
    assert children.dead() == [(child, failure.STUCK)]


def test_a_deadline_is_seen_by_the_worker_and_passes() -> None:
    deadlines = Deadlines()
    assert not deadlines.have_passed(os.getpid())
    deadlines.write(time.monotonic() + 60)
    assert not deadlines.have_passed(os.getpid())
    deadlines.write(time.monotonic() - 0.001)
    assert deadlines.have_passed(os.getpid())
    deadlines.write(0.0)
    assert not deadlines.have_passed(os.getpid())
