"""Executions as Django's task results."""

from __future__ import annotations

from typing import Any, Final

from django.utils.module_loading import import_string

from deferapp.clock import now
from deferapp.exceptions import ExecutionFailed, ExecutionResultNotAvailable, ResultError
from deferapp.executions.current import current_execution
from deferapp.executions.states import ErrorCode, State
from deferapp.executions.values import decode_call, decode_result
from deferapp.functions import registry
from deferapp.models import Attempt, Execution, ledger
from deferapp.redact import redact_text
from deferapp.tasks_backend import options
from deferapp.tasks_backend.function import TaskFunction
from deferapp.tasks_backend.library import AnyResult, AnyTask, TaskError, TaskResult, TaskResultStatus
from deferapp.workers import presence

_STATUSES: Final = {
    State.CREATED: TaskResultStatus.READY,
    State.STARTED: TaskResultStatus.RUNNING,
    State.ABORTING: TaskResultStatus.RUNNING,
    State.SUCCEEDED: TaskResultStatus.SUCCESSFUL,
}
"""All other states are ends without a result: failed."""
_WITHOUT_TYPE: Final = {ErrorCode.TIMEOUT: TimeoutError, ErrorCode.OUT_OF_MEMORY: MemoryError}
"""What failures that no exception made are to Django."""


def task_of(execution: Execution) -> AnyTask | None:
    """The task as it was enqueued; None for an execution of no task, or of one that is gone from the code."""
    function = registry.get(execution.function) or _imported(execution.function)
    return function.task if isinstance(function, TaskFunction) else None


def of(execution: Execution, task: AnyTask) -> AnyResult:
    """The result of an execution of the task, by one more query if there have been attempts."""
    attempts = _attempts(execution) if execution.attempt else []
    args, kwargs = decode_call(execution.arguments_json)
    said = options.of(execution.metadata)
    first = attempts[0].started_at if attempts else execution.started_at
    result = TaskResult(
        task=task.using(**{name: value for name, value in said.items() if value != getattr(task, name)}),
        id=str(execution.id),
        status=_STATUSES.get(State(execution.state), TaskResultStatus.FAILED),
        enqueued_at=execution.created_at,
        started_at=first,
        finished_at=execution.ended_at,
        last_attempted_at=execution.started_at,
        args=args,
        kwargs=kwargs,
        backend=said["backend"],
        errors=_errors(execution, attempts),
        worker_ids=[each.worker for each in attempts],
    )
    if execution.state == State.SUCCEEDED and execution.result_json is not None:
        object.__setattr__(result, "_return_value", decode_result(execution.result_json))
    if execution.state in (State.STARTED, State.ABORTING) and len(attempts) < execution.attempt:
        result.worker_ids.append(_worker_of(execution))
    return result


def of_the_current(task: AnyTask) -> AnyResult:
    """The result of the execution whose body this process begins."""
    current = current_execution()
    if current is None:
        raise RuntimeError(f"{task.module_path} is run by a worker; call `.call()` to run it here")
    execution = Execution.objects.using(ledger()).get(id=current.id)
    execution.started_at = now()
    return of(execution, task)


def _imported(name: str) -> Any:
    """Importing the module of a task declares it."""
    try:
        import_string(name)
    except ImportError:
        return None
    return registry.get(name)


def _attempts(execution: Execution) -> list[Attempt]:
    rows = Attempt.objects.using(ledger()).filter(execution_id=execution.id)
    return list(rows.order_by("number"))


def _worker_of(execution: Execution) -> str:
    current = current_execution()
    is_here = current is not None and current.id == execution.id
    return str(presence.current()) if is_here else str(execution.worker_id)


def _errors(execution: Execution, attempts: list[Attempt]) -> list[TaskError]:
    """Of each attempt that failed, redacted; and why it ended without one."""
    errors = [
        TaskError(exception_class_path=_path(each), traceback=redact_text(each.traceback or each.error_message))
        for each in attempts
        if each.outcome != Attempt.Outcome.SUCCEEDED
    ]
    if execution.state in (State.CANCELLED, State.DISCARDED):
        reason = redact_text(execution.reason) or f"The execution was {execution.state}."
        errors.append(TaskError(exception_class_path=_path_of(ExecutionResultNotAvailable), traceback=reason))
    return errors


def _path(attempt: Attempt) -> str:
    """The error's type, as a path. A return value that is no JSON is a `TypeError`, as in Django's own backends."""
    if attempt.error_type == _path_of(ResultError):
        return _path_of(TypeError)
    if not attempt.error_type:
        return _path_of(_WITHOUT_TYPE.get(ErrorCode(attempt.error_code), ExecutionFailed))
    return attempt.error_type if "." in attempt.error_type else f"builtins.{attempt.error_type}"


def _path_of(kind: type[BaseException]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
