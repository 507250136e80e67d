"""`discard_after`: what does not start in time is discarded."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import State
from deferapp.functions.function import Declared
from deferapp.models import Execution, PausedFunction
from deferapp.workers import presence
from deferapp.workers.housekeeping import Housekeeper
from tests.unit.options.functions import declare, serve
from tests.unit.rows import make_execution

HOUR = timedelta(hours=1)
PAST = timedelta(microseconds=1)

pytestmark = pytest.mark.django_db


def enqueue(function: Declared[..., object], *, discard_in: timedelta, **fields: object) -> Execution:
    return make_execution(function.name, discard_at=now() + discard_in, **fields)


def claim(function: Declared[..., object], *executions: Execution) -> list[Execution]:
    return life.claim(function, [each.id for each in executions], claim=uuid4(), worker_id=1, most=10)


def assert_discarded(execution: Execution) -> None:
    execution.refresh_from_db()
    assert (execution.state, execution.attempt, execution.dispatch_at) == (State.DISCARDED, 0, None)
    assert execution.reason == "It did not start before it was to be discarded."
    assert execution.discard_at is not None
    assert execution.ended_at >= execution.discard_at
    assert not execution.attempts.exists()


@pytest.mark.parametrize("limit", [{}, {"concurrency": 1}, {"concurrency": 1, "max_concurrency_action": "cancel"}])
def test_a_claim_discards_what_has_not_started_in_time_and_starts_the_rest(limit: dict[str, object]) -> None:
    function = declare(**limit)
    late, punctual = enqueue(function, discard_in=-PAST), enqueue(function, discard_in=HOUR)
    assert claim(function, late, punctual) == [punctual]
    assert_discarded(late)


def test_a_late_execution_takes_no_room_under_a_limit() -> None:
    function = declare(concurrency=1)
    late, punctual = enqueue(function, discard_in=-PAST), enqueue(function, discard_in=HOUR)
    assert claim(function, punctual) == [punctual]
    late.refresh_from_db()
    assert late.state == State.CREATED


def test_a_claim_discards_nothing_of_another_function() -> None:
    late = enqueue(declare(serve), discard_in=-PAST)
    assert claim(declare(), late) == []
    late.refresh_from_db()
    assert late.state == State.CREATED


def test_what_has_started_in_time_is_retried_after_it() -> None:
    function = declare()
    execution = enqueue(function, discard_in=HOUR)
    (started,) = claim(function, execution)
    moment = now()
    ending = Ending(
        execution=started,
        started_at=moment,
        ended_at=moment,
        failure=failure.of(ValueError("once")),
        retry_at=moment,
    )
    life.settle([ending], worker="w")
    Execution.objects.update(discard_at=now() - PAST)
    assert life.expire() == 0
    (again,) = claim(function, execution)
    assert again.attempt == 2


def test_what_was_given_back_has_not_started() -> None:
    function = declare()
    execution = enqueue(function, discard_in=HOUR)
    life.give_back(claim(function, execution))
    Execution.objects.update(discard_at=now() - PAST)
    assert claim(function, execution) == []
    assert_discarded(execution)


def test_housekeeping_discards_what_no_worker_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_mine", None)
    monkeypatch.setattr(presence, "keeps_house", lambda worker: True)
    late = enqueue(declare(), discard_in=-PAST)
    punctual = enqueue(declare(), discard_in=HOUR)
    Housekeeper().round()
    assert_discarded(late)
    punctual.refresh_from_db()
    assert punctual.state == State.CREATED


def test_a_paused_function_and_one_that_is_gone_from_the_code_do_not_keep_what_is_late() -> None:
    function = declare()
    PausedFunction.objects.create(function=function.name, paused_at=now())
    executions = [enqueue(function, discard_in=-PAST), make_execution("gone", discard_at=now() - PAST)]
    assert life.expire() == 2
    for execution in executions:
        assert_discarded(execution)


def test_a_delay_beyond_the_discarding_discards() -> None:
    execution = enqueue(declare(), discard_in=-PAST, due_at=now() + HOUR, dispatch_at=now() + HOUR)
    assert life.expire() == 1
    assert_discarded(execution)


@pytest.mark.parametrize("state", [state for state in State if state != State.CREATED])
def test_only_what_waits_is_discarded_for_being_late(state: State) -> None:
    execution = enqueue(declare(), discard_in=-PAST, state=state)
    assert life.expire() == 0
    execution.refresh_from_db()
    assert execution.state == state


def test_a_round_of_housekeeping_discards_a_limited_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "MOST_EXPIRED", 2)
    for _ in range(3):
        enqueue(declare(), discard_in=-PAST)
    assert [life.expire(), life.expire(), life.expire()] == [2, 1, 0]
