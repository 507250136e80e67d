"""What is noted for the tallies, by each way in which executions end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution, TallyEntry
from tests.unit.rows import SECOND, claim, function_named, make_execution, make_executions

pytestmark = pytest.mark.django_db

FAILED = failure.of(ValueError("no"))


def held(**fields: Any) -> Execution:
    return claim([make_execution(**fields)])[0]


def ending(execution: Execution, **fields: Any) -> Ending:
    assert execution.started_at
    return Ending(
        execution=execution,
        started_at=execution.due_at + 2 * SECOND,
        ended_at=execution.due_at + 5 * SECOND,
        **fields,
    )


def noted() -> dict[str, Any]:
    """The one entry."""
    return TallyEntry.objects.values("execution_id", "number", "function", "outcome", "ended_at", "error_key").get()


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, "succeeded"),
        ({"failure": FAILED}, "failed"),
        ({"failure": FAILED, "retry_at": now()}, "retried"),
    ],
)
def test_the_end_of_an_attempt_is_noted_with_its_wait_and_its_duration(fields: dict[str, Any], outcome: str) -> None:
    execution = held()
    life.settle([ending(execution, **fields)], worker="w")
    entry, attempt = TallyEntry.objects.get(), Attempt.objects.get()
    assert (entry.outcome, entry.function) == (outcome, execution.function)
    assert (entry.execution_id, entry.number, entry.ended_at) == (execution.id, 1, attempt.ended_at)
    assert (entry.wait, entry.duration) == (2 * SECOND, 3 * SECOND)
    assert entry.error_key == attempt.error_key == (FAILED.key(execution.function) if "failure" in fields else "")
    assert attempt.due_at == execution.due_at
    assert attempt.place == (FAILED.place if "failure" in fields else "")


def test_a_retry_waits_from_when_it_was_due() -> None:
    execution = held()
    due_at = now() - timedelta(minutes=1)
    life.settle([ending(execution, failure=FAILED, retry_at=due_at)], worker="w")
    again = claim([execution])[0]
    life.settle([ending(again)], worker="w")
    assert Attempt.objects.get(number=2).due_at == due_at
    assert TallyEntry.objects.get(number=2).wait == 2 * SECOND


def test_clocks_that_differ_make_no_negative_wait() -> None:
    execution = held()
    early = Ending(execution=execution, started_at=execution.due_at - SECOND, ended_at=execution.due_at)
    life.settle([early], worker="w")
    assert TallyEntry.objects.get().wait == timedelta()


def test_an_aborted_attempt_is_noted_as_cancelled_and_as_no_error() -> None:
    execution = held()
    life.abort(execution.id)
    assert not TallyEntry.objects.exists()
    life.settle([ending(execution, failure=FAILED, retry_at=now())], worker="w")
    entry = TallyEntry.objects.get()
    assert (entry.outcome, entry.number, entry.duration, entry.error_key) == ("cancelled", 1, 3 * SECOND, "")


def expire(execution: Execution) -> None:
    Execution.objects.filter(pk=execution.pk).update(discard_at=now() - SECOND)
    life.expire()


def reschedule_too_late(execution: Execution) -> None:
    Execution.objects.filter(pk=execution.pk).update(discard_at=now() + SECOND)
    life.reschedule(execution.id, due_at=now() + 2 * SECOND, dispatch_at=now())


def abort_what_has_not_begun(execution: Execution) -> None:
    (mine,) = claim([execution])
    life.abort(execution.id)
    life.give_back([mine])


def refuse(execution: Execution) -> None:
    held()
    function = function_named(execution.function, concurrency=1, max_concurrency_action="cancel")
    life.claim(function, [execution.id], claim=uuid4(), worker_id=1, most=1)


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (lambda execution: life.cancel(execution.id), "cancelled"),
        (lambda execution: life.discard(claim([execution])[0], "gone"), "discarded"),
        (reschedule_too_late, "discarded"),
        (expire, "discarded"),
        (abort_what_has_not_begun, "cancelled"),
        (refuse, "cancelled"),
    ],
    ids=["cancel", "discard", "reschedule", "expire", "abort", "limit"],
)
def test_the_end_of_an_execution_that_did_not_run_is_noted_without_times(
    end: Callable[[Execution], Any], outcome: str
) -> None:
    execution = make_execution()
    end(execution)
    execution.refresh_from_db()
    assert noted() == {
        "execution_id": execution.id,
        "number": 0,
        "function": execution.function,
        "outcome": outcome,
        "ended_at": execution.ended_at,
        "error_key": "",
    }
    assert not TallyEntry.objects.exclude(wait=None, duration=None).exists()


def test_what_did_not_move_is_not_noted() -> None:
    running, done, waiting = held(), make_execution(state=State.SUCCEEDED), make_execution()
    assert life.cancel(running.id, done.id, waiting.id) == 1
    assert life.settle([ending(running)], worker="w") == 1
    assert life.settle([ending(running)], worker="w") == 0
    assert life.cancel(running.id, done.id, waiting.id) == 0
    assert list(TallyEntry.objects.order_by("id").values_list("execution_id", flat=True)) == [waiting.id, running.id]


def test_what_begins_again_is_not_noted() -> None:
    execution = held()
    life.give_back([execution])
    failed = make_execution(state=State.FAILED)
    life.retry(failed.id)
    assert not TallyEntry.objects.exists()


@pytest.mark.parametrize("count", [1, 20])
def test_many_ends_without_an_attempt_are_noted_by_one_statement(count: int) -> None:
    waiting = make_executions(count)
    with CaptureQueriesContext(connection) as queries:
        life.cancel(*(each.id for each in waiting))
    assert sum("tallyentry" in query["sql"] for query in queries) == 1
    assert TallyEntry.objects.count() == count
