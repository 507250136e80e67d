"""A task as a background function: under its own dotted name, with its context, and with Django's signals around it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async

from deferapp.exceptions import ResultError
from deferapp.functions import registry
from deferapp.functions.config import Config
from deferapp.functions.function import BackgroundFunction
from deferapp.tasks_backend.library import AnyContext, AnyTask, TaskContext, normalize_json


class TaskFunction(BackgroundFunction[..., Any]):
    """What runs a task's executions."""

    def __init__(self, task: AnyTask, config: Config) -> None:
        self.task = task
        body = _async_body(task) if inspect.iscoroutinefunction(task.func) else _body(task)
        super().__init__(body, task.module_path, config)

    @property
    def place(self) -> str:
        code = self.task.func.__code__
        return f"{code.co_filename}:{code.co_firstlineno}"


def declare(task: AnyTask, config: Config) -> TaskFunction:
    """The function of a task, which is made when the task is seen first, and anew when its module is reloaded."""
    known = registry.get(task.module_path)
    if isinstance(known, TaskFunction) and known.task.func is task.func:
        return known
    from deferapp.workers import tasks

    function = TaskFunction(task, config)
    registry.register(function)
    tasks.register(function)
    return function


def _body(task: AnyTask) -> Callable[..., Any]:
    def body(*args: Any, **kwargs: Any) -> Any:
        return _as_json(task.func(*_begin(task), *args, **kwargs))

    return _signed(body, task)


def _async_body(task: AnyTask) -> Callable[..., Any]:
    async def body(*args: Any, **kwargs: Any) -> Any:
        return _as_json(await task.func(*await sync_to_async(_begin)(task), *args, **kwargs))

    return _signed(body, task)


def _signed(body: Callable[..., Any], task: AnyTask) -> Callable[..., Any]:
    """With the task's name and parameters, but for the context, which nobody enqueues."""
    body = functools.wraps(task.func)(body)
    signature = inspect.signature(task.func)
    parameters = list(signature.parameters.values())[int(task.takes_context) :]
    body.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return body


def _begin(task: AnyTask) -> tuple[AnyContext, ...]:
    """Tell that the task has started; give the context, if the task takes it."""
    from deferapp.tasks_backend import results, tell

    result = results.of_the_current(task)
    tell.started(result)
    return (TaskContext(task_result=result),) if task.takes_context else ()


def _as_json(value: Any) -> Any:
    """What Django lets a task return. Anything else is a permanent error: another attempt would return the same."""
    try:
        return normalize_json(value)
    except (TypeError, ValueError) as error:
        raise ResultError(str(error)) from error
