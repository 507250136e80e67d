"""Short bodies of one list: each end is noted before the next body begins, and all are settled together."""

from __future__ import annotations

import logging

import pytest
from django.db import ProgrammingError, connection

from deferapp import defer
from deferapp.executions import life
from deferapp.executions.endings import notes
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import State
from deferapp.functions.function import BackgroundFunction
from deferapp.models import EndNote, Execution
from deferapp.workers import noted, watch
from deferapp.workers.run import run
from deferapp.workers.worklist import Worklist
from tests.unit.rows import claim, make_executions, values_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_registry")]

FOREVER = 3600.0
seen: list[int] = []


def counts_notes(number: int) -> int:
    seen.append(EndNote.objects.count())
    return number


def logs_a_line(number: int) -> None:
    logging.getLogger("shop").warning("line %d", number)


def fails_at_two(number: int) -> None:
    if number == 2:
        raise ValueError(number)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many attempts each write settled."""
    counts: list[int] = []
    settle = life.settle

    def counted(endings: list[Ending], *, worker: str) -> int:
        counts.append(len(endings))
        return settle(endings, worker=worker)

    monkeypatch.setattr(life, "settle", counted)
    monkeypatch.setattr(noted, "STALE", FOREVER)
    seen.clear()
    return counts


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let notes be taken in every database."""

    def take(ending: Ending) -> bool:
        claim, times = ending.execution.claim, {"started_at": ending.started_at, "ended_at": ending.ended_at}
        EndNote.objects.create(claim=claim, execution_id=ending.execution.id, **times)
        return True

    monkeypatch.setattr(notes, "take", take)


@pytest.fixture
def takes_notes() -> bool:
    return connection.vendor == "postgresql"


def run_all(function: BackgroundFunction[..., object], count: int = 5) -> list[Execution]:
    ids = function.map(range(count))
    run(function, ids)
    assert not EndNote.objects.exists()
    return [Execution.objects.get(id=id) for id in ids]


def test_each_end_is_noted_before_the_next_body_begins_and_all_are_settled_at_the_end(
    settled: list[int], takes_notes: bool
) -> None:
    executions = run_all(defer(counts_notes))
    assert [(each.state, each.result) for each in executions] == [(State.SUCCEEDED, number) for number in range(5)]
    assert seen == (list(range(5)) if takes_notes else [0] * 5)
    assert settled == ([5] if takes_notes else [1] * 5)


def test_a_function_with_a_limit_is_settled_at_once_so_that_its_slot_comes_back(settled: list[int]) -> None:
    run_all(defer(counts_notes, concurrency=2))
    assert seen == [0] * 5
    assert settled == [1] * 5


def test_what_logs_is_settled_at_once_after_its_log(settled: list[int]) -> None:
    executions = run_all(defer(logs_a_line))
    assert settled == [1] * 5
    assert [each.logs.count() for each in executions] == [1] * 5


def test_a_failure_among_short_bodies_is_settled_at_once(settled: list[int], takes_notes: bool) -> None:
    executions = run_all(defer(fails_at_two, retry=False))
    states = [State.SUCCEEDED] * 5
    states[2] = State.FAILED
    assert [each.state for each in executions] == states
    assert settled == ([1, 4] if takes_notes else [1] * 5)


def test_what_cannot_be_noted_is_settled_at_once(settled: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_ending: Ending) -> bool:
        raise ProgrammingError("there is no such table yet")

    monkeypatch.setattr(notes, "take", refuse)
    executions = run_all(defer(counts_notes))
    assert [each.state for each in executions] == [State.SUCCEEDED] * 5
    assert settled == [1] * 5


@pytest.mark.usefixtures("anywhere")
def test_what_is_noted_behind_a_body_that_takes_long_is_settled_by_the_watching_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    executions = claim(make_executions(3))
    worklist = Worklist(())
    for each in executions:
        worklist.noted.add(Ending(execution=each, started_at=each.due_at, ended_at=each.due_at))
    monkeypatch.setattr(watch, "_worklists", {worklist})
    watch._look()
    assert EndNote.objects.count() == 3
    monkeypatch.setattr(noted, "STALE", -1.0)
    watch._look()
    assert [values_of(each)["state"] for each in executions] == [State.SUCCEEDED] * 3


@pytest.mark.usefixtures("anywhere")
def test_what_cannot_be_settled_now_is_settled_later(monkeypatch: pytest.MonkeyPatch) -> None:
    (execution,) = claim(make_executions(1))
    ends = Worklist(()).noted
    ends.add(Ending(execution=execution, started_at=execution.due_at, ended_at=execution.due_at))
    with monkeypatch.context() as patch:
        patch.setattr(life, "settle", fail_to_settle)
        with pytest.raises(ConnectionError):
            ends.settle()
    assert ends.settle()
    assert values_of(execution)["state"] == State.SUCCEEDED


def fail_to_settle(_endings: list[Ending], *, worker: str) -> int:
    raise ConnectionError(worker)
