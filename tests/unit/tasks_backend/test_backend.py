"""Tasks are executions: in the ledger, with retries, with results that every process can read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.utils import timezone
from django_tasks import TaskResultStatus, default_task_backend, task_backends
from django_tasks.exceptions import InvalidTaskError, TaskResultDoesNotExist, TaskResultMismatch

from deferapp import defer
from deferapp.exceptions import DeclarationError, ExecutionFailed, ExecutionResultNotAvailable
from deferapp.executions import life
from deferapp.functions import registry
from deferapp.models import Execution
from deferapp.tasks_backend import DeferBackend
from deferapp.tasks_backend.function import TaskFunction
from deferapp.testing import arun_enqueued, failing, run_due, run_enqueued
from deferapp.workers import tasks as celery_tasks
from tests.unit.retry.running import run_attempt
from tests.unit.tasks_backend import tasks

pytestmark = pytest.mark.django_db


def function_of(task: Any) -> Any:
    return registry.get(task.module_path)


def test_the_backend_is_the_projects() -> None:
    assert isinstance(task_backends["default"], DeferBackend)
    assert default_task_backend.alias == "default"


@pytest.mark.parametrize("task", [tasks.add, tasks.add_together], ids=["sync", "async"])
def test_a_task_is_enqueued_and_runs_as_an_execution(task: Any) -> None:
    result = task.enqueue(1, second=2)
    assert (result.status, result.args, result.kwargs) == (TaskResultStatus.READY, [1], {"second": 2})
    assert (result.task, result.started_at, result.attempts, result.is_finished) == (task, None, 0, False)
    (execution,) = run_enqueued()
    assert (str(execution.id), execution.function) == (result.id, task.module_path)
    result.refresh()
    assert (result.status, result.return_value, result.attempts) == (TaskResultStatus.SUCCESSFUL, 3, 1)
    assert result.enqueued_at <= result.started_at == result.last_attempted_at <= result.finished_at


def test_a_result_is_got_by_its_id() -> None:
    result = tasks.add.enqueue(1)
    run_enqueued()
    for found in (default_task_backend.get_result(result.id), tasks.add.get_result(result.id)):
        assert (found.id, found.task, found.return_value, found.args) == (result.id, tasks.add, 1, [1])
    with pytest.raises(TaskResultMismatch):
        tasks.breaks.get_result(result.id)


@pytest.mark.parametrize("id", ["", "123", "0190a1b2-0000-7000-8000-000000000000"])
def test_a_result_that_there_is_not(id: str) -> None:
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(id)


def test_an_execution_of_no_task_is_no_result() -> None:
    execution = defer(_no_task)()
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(str(execution.id))


def _no_task() -> None: ...


def test_the_result_of_a_task_that_is_gone_from_the_code_is_not_there() -> None:
    result = tasks.add.enqueue(1)
    Execution.objects.update(function="tests.unit.tasks_backend.tasks.gone")
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(result.id)


def test_a_process_that_has_not_seen_the_task_finds_it_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    result = tasks.add.enqueue(1)
    known = registry._functions.pop(tasks.add.module_path)
    monkeypatch.setattr("deferapp.tasks_backend.results.import_string", lambda name: registry.register(known))
    assert default_task_backend.get_result(result.id).task == tasks.add


def test_a_failed_attempt_is_retried_and_its_error_kept() -> None:
    result = tasks.add.enqueue(1)
    with failing(function_of(tasks.add), ConnectionError("reset")):
        run_enqueued()
    result.refresh()
    assert (result.status, result.attempts, result.return_value) == (TaskResultStatus.SUCCESSFUL, 2, 1)
    (error,) = result.errors
    assert error.exception_class is ConnectionError
    assert error.traceback.endswith("ConnectionError: reset\n")
    assert result.last_attempted_at > result.started_at


def test_while_it_waits_for_a_retry_it_is_ready_to_be_executed_again() -> None:
    result = tasks.breaks.enqueue()
    run_attempt(function_of(tasks.breaks), Execution.objects.get())
    result.refresh()
    assert (result.status, result.attempts, len(result.errors)) == (TaskResultStatus.READY, 1, 1)
    with pytest.raises(ValueError, match="Task has not finished yet"):
        _ = result.return_value


@pytest.mark.parametrize(("task", "kind"), [(tasks.breaks, ValueError), (tasks.leaves, SystemExit)])
def test_when_no_retry_is_left_it_has_failed(task: Any, kind: type[BaseException]) -> None:
    result = task.enqueue()
    run_enqueued(may_fail=True)
    result.refresh()
    assert (result.status, result.attempts, len(result.errors)) == (TaskResultStatus.FAILED, 14, 14)
    assert {error.exception_class for error in result.errors} == {kind}
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value


def test_a_return_value_that_is_no_json_fails_at_once() -> None:
    result = tasks.returns_what_is_no_json.enqueue()
    run_enqueued(may_fail=True)
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 1)
    assert result.errors[0].exception_class is TypeError
    assert "Unsupported type" in result.errors[0].traceback


@pytest.mark.parametrize("value", [datetime.now(UTC), object(), {1, 2}])
def test_an_argument_that_is_no_json_is_refused_and_nothing_enqueued(value: object) -> None:
    with pytest.raises(TypeError, match="Unsupported type"):
        tasks.anything.enqueue(value)
    assert not Execution.objects.exists()


def test_arguments_travel_as_json() -> None:
    result = tasks.anything.enqueue((1, b"two"), three={"four": (5,)})
    run_enqueued()
    result.refresh()
    assert result.return_value == [[[1, "two"]], {"three": {"four": [5]}}]


def test_a_call_that_does_not_fit_is_refused_where_it_is_made() -> None:
    with pytest.raises(TypeError, match="missing a required argument"):
        tasks.add.enqueue()
    with pytest.raises(TypeError, match="too many positional arguments"):
        tasks.tells.enqueue("word", "more")


def test_the_context_tells_of_the_attempt() -> None:
    result = tasks.tells.enqueue("word")
    with failing(function_of(tasks.tells)):
        run_enqueued()
    result.refresh()
    word, is_its_own, attempt, status, workers = result.return_value
    assert (word, is_its_own, attempt, status) == ("word", True, 2, TaskResultStatus.RUNNING)
    assert workers == result.worker_ids


def test_the_context_of_an_async_task() -> None:
    result = tasks.tells_together.enqueue()
    run_enqueued()
    result.refresh()
    assert result.return_value == 1


def test_run_after_is_waited_for() -> None:
    moment = timezone.now() + timedelta(hours=2)
    result = tasks.add.using(run_after=moment).enqueue(1)
    assert result.task.run_after == moment
    assert run_enqueued() == []
    assert len(run_due(moment)) == 1
    assert default_task_backend.get_result(result.id).task == tasks.add.using(run_after=moment)


def test_what_a_task_was_enqueued_with_is_told_and_found() -> None:
    task = tasks.add.using(priority=-7, queue_name="mail")
    result = task.enqueue(1)
    assert result.task == task == default_task_backend.get_result(result.id).task
    assert Execution.objects.metadata(task_queue="mail", task_priority="-7").get().id.hex == result.id.replace("-", "")


@pytest.mark.parametrize("said", [{"priority": 101}, {"queue_name": "unknown"}, {"run_after": datetime(2030, 1, 1)}])  # noqa: DTZ001
def test_what_cannot_be_is_refused(said: Any) -> None:
    with pytest.raises(InvalidTaskError):
        tasks.add.using(**said)


def test_options_of_the_backend_are_those_of_a_function() -> None:
    result = tasks.breaks.using(backend="once").enqueue()
    run_enqueued(may_fail=True)
    result.refresh()
    assert (result.status, result.attempts, result.backend) == (TaskResultStatus.FAILED, 1, "once")


@pytest.mark.parametrize(("options", "error"), [({"retry": -1}, DeclarationError), ({"again": 1}, TypeError)])
def test_an_option_that_cannot_be_is_refused(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        DeferBackend("default", {"OPTIONS": options})


def test_a_rolled_back_transaction_enqueues_nothing() -> None:
    with transaction.atomic():
        result = tasks.add.enqueue(1)
        transaction.set_rollback(True)
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()


def test_a_task_that_enqueues_others_has_children() -> None:
    parent = tasks.enqueues.enqueue(3)
    run_enqueued()
    parent.refresh()
    children = Execution.objects.children_of(parent.id)
    assert sorted(str(child.id) for child in children) == sorted(parent.return_value)
    assert sorted(tasks.did) == [(0, 0), (1, 0), (2, 0)]


def test_an_execution_that_was_cancelled_has_failed_for_its_reason() -> None:
    result = tasks.add.enqueue(1)
    Execution.objects.get().cancel()
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 0)
    assert result.errors[0].exception_class is ExecutionResultNotAvailable


def test_an_attempt_that_was_lost_has_an_error_too() -> None:
    result = tasks.add.using(backend="once").enqueue(1)
    with failing(function_of(tasks.add)):
        run_enqueued(may_fail=True)
    Execution.objects.get().attempts.update(error_type="", error_code="ER0004", traceback="", error_message="died")
    result.refresh()
    assert result.errors[0].exception_class is ExecutionFailed
    assert result.errors[0].traceback == "died"


def test_a_running_task_is_running() -> None:
    result = tasks.add.enqueue(1)
    execution = Execution.objects.get()
    life.claim(function_of(tasks.add), [execution.id], claim=uuid4(), worker_id=7, most=1)
    result.refresh()
    assert (result.status, result.attempts, result.worker_ids) == (TaskResultStatus.RUNNING, 1, ["7"])


def test_a_task_is_known_by_where_it_is_declared() -> None:
    tasks.tells.enqueue("word")
    function = function_of(tasks.tells)
    assert isinstance(function, TaskFunction)
    assert "tasks_backend/tasks.py:" in function.place
    assert str(function.signature) == "(word: 'str') -> 'list[Any]'"
    assert registry.problems() == []


def test_celery_learns_of_a_task_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[str] = []
    monkeypatch.setattr(celery_tasks, "shared_task", lambda _run, *, name, base: shared.append(name))
    monkeypatch.setattr(celery_tasks, "_registered", {})
    tasks.add.enqueue(1)
    for function in registry.functions():  # as when the app is ready
        celery_tasks.register(function)
    assert shared == [tasks.add.module_path]


@pytest.mark.django_db(transaction=True)
async def test_in_async_code() -> None:
    result = await tasks.add_together.aenqueue(1, 2)
    await arun_enqueued()
    await result.arefresh()
    assert result.return_value == 3
    assert (await default_task_backend.aget_result(result.id)).return_value == 3
    await sync_to_async(connections.close_all)()
