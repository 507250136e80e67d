"""What ended long ago is taken away, with what belongs to it, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings

from deferapp.checks import check_settings
from deferapp.clock import now
from deferapp.executions import prune
from deferapp.executions.states import ENDED, State
from deferapp.models import Attempt, DueMoment, Execution, Schedule
from tests.unit.rows import function_named, make_execution

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def ended(state: State, days_ago: float, **fields: Any) -> Execution:
    moment = now() - days_ago * DAY
    return make_execution(state=state, created_at=moment, ended_at=moment, **fields)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_what_has_ended_is_kept_for_90_days(state: State) -> None:
    kept = ended(state, 89)
    ended(state, 91)
    assert prune.prune() == 1
    assert Execution.objects.get() == kept


@pytest.mark.parametrize("state", sorted(set(State) - ENDED))
def test_what_has_not_ended_is_kept_for_ever(state: State) -> None:
    make_execution(state=state, created_at=now() - 1000 * DAY)
    assert prune.prune() == 0


def test_attempts_go_with_their_execution_and_its_due_moment_keeps_how_it_ended() -> None:
    execution = ended(State.FAILED, 91)
    moment = execution.ended_at
    Attempt.objects.create(execution=execution, number=1, outcome="failed", started_at=moment, ended_at=moment)
    schedule = Schedule.objects.create(function="shop.defer.weekly", frequency="0 8 * * 1")
    DueMoment.objects.create(schedule=schedule, due_at=moment, decided_at=moment, execution=execution)
    DueMoment.objects.create(schedule=schedule, due_at=moment - DAY, decided_at=moment)
    prune.prune()
    assert not Attempt.objects.exists()
    kept = DueMoment.objects.values_list("execution_id", "ended_as")
    assert list(kept) == [(execution.pk, State.FAILED), (None, "")]


def test_a_child_stays_until_its_parent_has_ended() -> None:
    parent = make_execution(state=State.STARTED, created_at=now() - 200 * DAY)
    ended(State.SUCCEEDED, 200, parent=parent)
    assert prune.prune() == 0
    Execution.objects.filter(pk=parent.pk).update(state=State.SUCCEEDED, ended_at=now())
    assert prune.prune() == 1


def test_a_key_may_be_used_anew_when_its_execution_is_gone() -> None:
    keyed = function_named("shop.defer.bill").options(key="invoice 7")
    first = keyed.enqueue()
    assert keyed.enqueue() == first
    Execution.objects.update(state=State.SUCCEEDED, created_at=now() - 91 * DAY, ended_at=now() - 91 * DAY)
    prune.prune()
    again = keyed.enqueue()
    assert (again.id, again.state) == (first.id, State.CREATED)


def test_each_state_may_be_kept_for_a_time_of_its_own() -> None:
    for state in ENDED:
        ended(state, 8)
    with override_settings(DEFER={"RETENTION": {"succeeded": "1 week", "failed": None, "cancelled": 3600}}):
        prune.prune()
    assert set(Execution.objects.values_list("state", flat=True)) == ENDED - {State.SUCCEEDED, State.CANCELLED}


def test_a_round_goes_on_until_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "MOST_AT_ONCE", 2)
    for _ in range(5):
        ended(State.SUCCEEDED, 91)
    assert [prune.prune(), prune.prune()] == [5, 0]


def test_a_round_whose_time_is_up_begins_no_other_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(prune, "ROUND", -1.0)
    for _ in range(5):
        ended(State.SUCCEEDED, 91)
    assert [prune.prune() for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize("value", ["soon", -1, {"started": "1 day"}, {"failed": "soon"}])
def test_what_is_no_retention_is_reported_by_check(value: object) -> None:
    with override_settings(DEFER={"RETENTION": value}):
        (error,) = check_settings()
    assert error.id == "deferapp.E008"
    assert "RETENTION" in str(error.obj)
