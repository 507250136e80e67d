"""Tasks of a project. They are declared with whatever backend the settings name, and enqueued with ours."""

from __future__ import annotations

from typing import Any

from django_tasks import TaskContext, task

from deferapp import current_execution

did: list[Any] = []


@task
def add(first: int, second: int = 0) -> int:
    did.append((first, second))
    return first + second


@task
async def add_together(first: int, second: int = 0) -> int:
    did.append((first, second))
    return first + second


@task
def anything(*args: Any, **kwargs: Any) -> Any:
    return [args, kwargs]


@task
def breaks() -> None:
    raise ValueError(ValueError("broken"))


@task
def leaves() -> None:
    raise SystemExit("left")


@task
def returns_what_is_no_json() -> Any:
    return object()


@task(takes_context=True)
def tells(context: TaskContext, word: str) -> list[Any]:
    current = current_execution()
    assert current is not None
    result = context.task_result
    return [word, result.id == str(current.id), context.attempt, result.status, result.worker_ids]


@task(takes_context=True)
async def tells_together(context: TaskContext) -> int:
    return context.attempt


@task
def enqueues(count: int) -> list[str]:
    return [add.enqueue(number).id for number in range(count)]
