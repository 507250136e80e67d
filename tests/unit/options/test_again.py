"""`reschedule` and `rerun`: an execution at another time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from pytest_django import DjangoCaptureOnCommitCallbacks

from deferapp.clock import now
from deferapp.exceptions import DeferError, DurationError, ExecutionNotFound, ExecutionNotReschedulable
from deferapp.executions import enqueue
from deferapp.executions.collect import Collector
from deferapp.executions.current import CurrentExecution, running
from deferapp.executions.states import State
from deferapp.models import Execution
from tests.unit.options.functions import declare, serve
from tests.unit.queue import MemoryQueue
from tests.unit.rows import values_of

HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db


def reschedule_from_sync(execution: Execution, *when: Any) -> Execution:
    return execution.reschedule(*when)


def reschedule_from_async(execution: Execution, *when: Any) -> Execution:
    return async_to_sync(execution.areschedule)(*when)


def inside_an_execution(attempt: int = 1, id: Any = None) -> Any:
    return running(
        CurrentExecution(
            id=id or uuid4(),
            function="parent",
            attempt=attempt,
            parent_id=None,
            created_at=now(),
            collector=Collector(enqueue.write),
        )
    )


@pytest.mark.parametrize("reschedule", [reschedule_from_sync, reschedule_from_async])
def test_without_an_argument_it_is_due_now_and_published(
    reschedule: Callable[..., Execution],
    queue: MemoryQueue,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    execution = declare().options(delay=HOUR).enqueue("a")
    with django_capture_on_commit_callbacks(execute=True):
        assert reschedule(execution) is execution
    assert execution.created_at < execution.due_at <= now() < execution.dispatch_at
    assert [message.ids for message in queue.take()] == [[execution.id]]


@pytest.mark.parametrize("when", ["2h", 7200, 2 * HOUR])
def test_a_duration_counts_from_now_and_publishes_nothing_before(
    queue: MemoryQueue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, when: Any
) -> None:
    execution = declare().options(delay=HOUR).enqueue("a")
    before = now()
    with django_capture_on_commit_callbacks(execute=True):
        execution.reschedule(when)
    assert before + 2 * HOUR <= execution.due_at == execution.dispatch_at <= now() + 2 * HOUR
    assert queue.take() == []


def test_a_date_is_when_it_is_due_and_one_that_has_passed_means_now() -> None:
    execution = declare().enqueue("a")
    moment = now() + HOUR
    assert execution.reschedule(moment).due_at == moment
    assert execution.reschedule(moment - 2 * HOUR).due_at <= now()
    assert execution.reschedule(-HOUR).due_at > execution.created_at


@pytest.mark.parametrize("state", [state for state in State if state != State.CREATED])
def test_only_what_waits_can_be_rescheduled_and_the_state_is_named(state: State) -> None:
    execution = declare().enqueue("a")
    Execution.objects.update(state=state)
    before = values_of(execution)
    with pytest.raises(ExecutionNotReschedulable, match=f"is {state}"):
        execution.reschedule()
    with pytest.raises(ExecutionNotReschedulable):
        async_to_sync(execution.areschedule)("1h")
    assert (values_of(execution), execution.state) == (before, state)
    assert issubclass(ExecutionNotReschedulable, DeferError)


def test_a_retry_that_waits_can_be_rescheduled() -> None:
    execution = declare().enqueue("a")
    Execution.objects.update(attempt=3, due_at=now() + HOUR, discard_at=now() - HOUR)
    execution.reschedule()
    assert (execution.state, execution.attempt) == (State.CREATED, 3)
    assert execution.due_at <= now()


@pytest.mark.parametrize("when", [None, "30m"])
def test_past_its_discard_after_it_is_discarded(
    queue: MemoryQueue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, when: Any
) -> None:
    execution = declare().options(delay=HOUR, discard_after=2 * HOUR).enqueue("a")
    Execution.objects.update(discard_at=now())
    with django_capture_on_commit_callbacks(execute=True):
        execution.reschedule(when)
    assert execution.state == State.DISCARDED
    assert execution.reason
    assert execution.ended_at


def test_rescheduled_to_a_time_past_its_discard_after_it_is_discarded() -> None:
    execution = declare().options(discard_after=HOUR).enqueue("a")
    assert execution.reschedule("59m").state == State.CREATED
    assert execution.reschedule("61m").state == State.DISCARDED


def test_a_nonsensical_time_is_refused_and_changes_nothing() -> None:
    execution = declare().enqueue("a")
    before = values_of(execution)
    with pytest.raises(DurationError, match="5 parsecs"):
        execution.reschedule("5 parsecs")
    assert values_of(execution) == before


def test_an_execution_that_is_gone_is_neither_rescheduled_nor_re_run() -> None:
    execution = declare().enqueue("a")
    Execution.objects.all().delete()
    for call in (execution.reschedule, execution.rerun):
        with pytest.raises(ExecutionNotFound, match=str(execution.id)):
            call()


def test_what_a_running_function_has_just_enqueued_can_be_rescheduled_and_re_run() -> None:
    function = declare()
    with inside_an_execution():
        function.enqueue("first")
        execution = async_to_sync(function.aenqueue)("in a burst")
        assert execution.reschedule("1h").due_at > now()
        assert execution.rerun().rerun_of_id == execution.id


@pytest.mark.parametrize("state", list(State))
def test_a_re_run_is_a_new_execution_of_the_same_call_now(
    queue: MemoryQueue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, state: State
) -> None:
    function = declare(serve, concurrency=1, concurrency_key="user")
    execution = function.options(delay=HOUR, discard_after=HOUR, metadata={"a": "1"}, key="k").enqueue("ann")
    Execution.objects.update(state=state, attempt=2, error_code="ER0003", reason="no")
    before = values_of(execution)
    with django_capture_on_commit_callbacks(execute=True):
        rerun = execution.rerun()
    rerun.refresh_from_db()
    assert rerun.id != execution.id
    assert (rerun.function, rerun.arguments_json, rerun.metadata, rerun.limit_key, rerun.rerun_of) == (
        execution.function, execution.arguments_json, {"a": "1"}, execution.limit_key, execution,
    )  # fmt: skip
    assert (rerun.state, rerun.attempt, rerun.discard_at, rerun.error_code) == (State.CREATED, 0, None, "")
    assert rerun.created_at == rerun.due_at > execution.created_at
    assert values_of(execution) == before
    assert [message.ids for message in queue.take()] == [[rerun.id]]


def test_an_execution_is_re_run_as_often_as_asked_and_re_runs_too() -> None:
    execution = declare().enqueue("a")
    first, second = execution.rerun(), async_to_sync(execution.arerun)()
    third = first.rerun()
    assert (first.rerun_of, second.rerun_of, third.rerun_of) == (execution, execution, first)
    assert Execution.objects.count() == 4


def test_an_execution_of_a_function_that_is_gone_from_the_code_is_re_run() -> None:
    execution = Execution.objects.create(function="gone", due_at=now())
    assert execution.rerun().function == "gone"


def test_the_next_attempt_of_a_function_that_re_runs_meets_the_re_runs_it_has_made() -> None:
    execution, parent = declare().enqueue("a"), uuid4()
    made = []
    for attempt in (1, 2):
        with inside_an_execution(attempt, parent):
            made.append([execution.rerun().id, execution.rerun().id])
    assert made[0] == made[1]
    assert len(set(made[0])) == 2
    assert set(Execution.objects.filter(parent_id=parent).values_list("id", flat=True)) == set(made[0])
