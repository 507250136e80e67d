"""Looking after what runs in a process: what is stopped, what is given back, and when the process has to go."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.endings import failure
from deferapp.executions.states import State
from deferapp.models import Execution
from deferapp.workers import bodies, presence, watch
from deferapp.workers.bodies import Body
from deferapp.workers.worklist import Worklist
from tests.unit.rows import claim, function_named, make_executions, values_of

pytestmark = pytest.mark.django_db

A_MINUTE = 60.0


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_running", set())
    monkeypatch.setattr(watch, "_worklists", set())


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The signals that are sent, by this process as a child of a pool."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(presence, "current", lambda: "a process of the tests")
    monkeypatch.setattr(watch, "os", SimpleNamespace(getpid=os.getpid, kill=lambda *what: sent.append(what)))
    monkeypatch.setattr(presence, "node", lambda: SimpleNamespace(pid=1, is_draining=False))
    return sent


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Execution], Body]:
    """Let a body run that has been running for a minute, and can be stopped, if it pleases."""

    def run(execution: Execution) -> Body:
        body = Body(function_named(execution.function), execution, now())
        body.begun -= A_MINUTE
        body.stoppable_by(lambda: None)
        bodies._running.add(body)
        return body

    return run


def watched(executions: list[Execution]) -> Worklist:
    worklist = Worklist(executions)
    watch._worklists.add(worklist)
    return worklist


def stop_without_grace(body: Body) -> None:
    """As if it had been told to end for what it is stopped for, long ago."""
    body.stop(failure.LOST)
    body.stopped_at -= A_MINUTE
    watch._look()


def test_the_process_of_a_body_that_does_not_stop_is_killed_when_nothing_else_can_begin_in_it(
    kills: list[tuple[int, int]], run: Any
) -> None:
    first, *rest = claim(make_executions(3))
    watched(rest)
    stop_without_grace(run(first))
    assert kills == [(os.getpid(), signal.SIGKILL)]
    assert [values_of(each)["state"] for each in rest] == [State.CREATED] * 2
    assert values_of(first)["error_code"] == "ER0004"


def test_the_process_of_a_body_that_has_just_ended_goes_on(kills: list[tuple[int, int]], run: Any) -> None:
    (execution,) = claim(make_executions(1))
    body = run(execution)
    body.is_over = True
    stop_without_grace(body)
    assert kills == []


def test_an_abort_is_seen_to_though_an_earlier_attempt_that_was_given_up_runs_on(run: Any) -> None:
    (first,) = claim(make_executions(1))
    given_up = run(first)
    given_up.is_given_up = True
    life.give_back([first])
    (second,) = claim([first])
    body = run(second)
    life.abort(second.pk)
    watch._ask_the_ledger()
    assert body.stopped_for == failure.ABORTED
    assert given_up.stopped_for is None


def test_a_body_whose_claim_is_gone_is_stopped(run: Any) -> None:
    (execution,) = claim(make_executions(1))
    body = run(execution)
    watch._ask_the_ledger()
    assert body.stopped_for is None
    life.give_back([execution])
    watch._ask_the_ledger()
    assert body.stopped_for == failure.ABORTED
