"""Django's signals of tasks: enqueued where that was done, started and finished in the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deferapp import signals as ours
from deferapp.exceptions import DeferError
from deferapp.tasks_backend.library import AnyResult
from deferapp.tasks_backend.library import signals as djangos

if TYPE_CHECKING:
    from deferapp.models import Execution

ENDS: Final = (ours.succeeded, ours.failed, ours.cancelled, ours.discarded)


def connect() -> None:
    """Hear of ends; as often as one likes."""
    for signal in ENDS:
        signal.connect(_ended, dispatch_uid="deferapp.tasks_backend")


def enqueued(backend: type, result: AnyResult) -> None:
    djangos.task_enqueued.send_robust(backend, task_result=result)


def started(result: AnyResult) -> None:
    """At the beginning of each attempt's body."""
    djangos.task_started.send_robust(type(result.task.get_backend()), task_result=result)


def _ended(execution: Execution, **_: Any) -> None:
    """An execution has come to its end: of a task, or of something else."""
    from deferapp.functions import registry
    from deferapp.tasks_backend import results
    from deferapp.tasks_backend.function import TaskFunction

    function = registry.get(execution.function)
    if isinstance(function, TaskFunction):
        _finished(execution, results.of(execution, function.task))


def _finished(execution: Execution, result: AnyResult) -> None:
    """Where it has failed, while that is being handled: Django's log and monitors look for the exception."""
    from deferapp.executions import results

    try:
        results.of(execution)
    except DeferError:
        _send_finished(result)
    else:
        _send_finished(result)


def _send_finished(result: AnyResult) -> None:
    djangos.task_finished.send_robust(type(result.task.get_backend()), task_result=result)
