"""Attempts that are recorded together are recorded as one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.endings import failure, notes
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import State
from deferapp.models import Attempt, EndNote, Execution, TallyEntry
from tests.unit.rows import claim, make_execution, make_executions, values_of

pytestmark = pytest.mark.django_db

FUNCTION = "shop.defer.mail"
OWN = ("id", "created_at", "execution_id")


def ending_of(execution: Execution, **values: Any) -> Ending:
    started_at = execution.due_at + timedelta(seconds=1)
    values = {"started_at": started_at, "ended_at": started_at + timedelta(milliseconds=2), **values}
    return Ending(execution=execution, **values)


def without_what_is_its_own(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OWN}


def recorded(execution: Execution) -> list[dict[str, Any]]:
    rows = [values_of(execution), Attempt.objects.filter(execution=execution).values().get()]
    return [
        without_what_is_its_own(row)
        for row in (*rows, TallyEntry.objects.filter(execution_id=execution.id).values().get())
    ]


@pytest.mark.parametrize("values", [{}, {"result_json": '{"a":"\\u0000%s"}'}], ids=["nothing", "a result"])
def test_what_is_recorded_together_is_what_is_recorded_one_by_one(values: dict[str, Any]) -> None:
    due_at = now() - timedelta(minutes=1)
    first, second, alone = claim([make_execution(FUNCTION, due_at=due_at) for _ in range(3)])
    assert life.settle([ending_of(first, **values), ending_of(second, **values)], worker="w" * 400) == 2
    assert life.settle([ending_of(alone, **values)], worker="w" * 400) == 1
    assert recorded(first) == recorded(second) == recorded(alone)


def test_a_start_before_the_due_moment_is_no_negative_wait() -> None:
    executions = claim(make_executions(2, FUNCTION))
    early = now() - timedelta(hours=1)
    life.settle([ending_of(each, started_at=early, ended_at=early - timedelta(1)) for each in executions], worker="w")
    assert set(TallyEntry.objects.values_list("wait", "duration")) == {(timedelta(), timedelta())}


def test_of_those_together_the_aborting_ones_end_as_aborted_and_those_of_other_claims_do_not_end() -> None:
    executions = claim(make_executions(4, FUNCTION))
    life.abort(executions[1].id)
    Execution.objects.filter(id=executions[2].id).update(claim="11111111-1111-1111-1111-111111111111")
    failed = ending_of(executions[3], failure=failure.of(ValueError("no")))
    assert life.settle([*map(ending_of, executions[:3]), failed], worker="w") == 3
    states = [values_of(each)["state"] for each in executions]
    assert states == [State.SUCCEEDED, State.ABORTED, State.STARTED, State.FAILED]
    assert sorted(Attempt.objects.values_list("outcome", flat=True)) == ["aborted", "failed", "succeeded"]
    assert sorted(TallyEntry.objects.values_list("outcome", flat=True)) == ["cancelled", "failed", "succeeded"]


def test_recording_together_again_changes_nothing() -> None:
    endings = [*map(ending_of, claim(make_executions(3, FUNCTION)))]
    assert life.settle(endings, worker="w") == 3
    assert life.settle(endings, worker="w") == 0
    assert (Attempt.objects.count(), TallyEntry.objects.count()) == (3, 3)


def test_notes_go_with_what_is_settled_and_those_that_hold_no_more_when_they_are_pruned() -> None:
    executions = claim(make_executions(4, FUNCTION))
    for execution in executions:
        moment = now()
        EndNote.objects.create(
            claim=execution.claim, execution_id=execution.id, started_at=moment, ended_at=moment, result_json="1"
        )
    life.settle([*map(ending_of, executions[:2])], worker="w")
    life.give_back([executions[2]])
    notes.prune()
    (left,) = EndNote.objects.all()
    assert notes.of([executions[3].claim]) == {(executions[3].claim, executions[3].id): left}
