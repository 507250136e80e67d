"""What Django lets a task say of one enqueue, kept in the execution's metadata where it is not the default.

So executions are found by it, as in `meta.task_queue:mail`, and results tell of the task as it was enqueued.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from deferapp.dispatch.priority import KEY
from deferapp.tasks_backend.library import (
    DEFAULT_TASK_BACKEND_ALIAS,
    DEFAULT_TASK_PRIORITY,
    DEFAULT_TASK_QUEUE_NAME,
    AnyTask,
)

_DEFAULTS: Final[dict[str, object]] = {
    "backend": DEFAULT_TASK_BACKEND_ALIAS,
    "queue_name": DEFAULT_TASK_QUEUE_NAME,
    "priority": DEFAULT_TASK_PRIORITY,
    "run_after": None,
}
_KEYS: Final = {
    "backend": "task_backend",
    "queue_name": "task_queue",
    "priority": KEY,
    "run_after": "task_run_after",
}


def metadata_of(task: AnyTask) -> dict[str, str]:
    """Of a task that is enqueued."""
    said = {name: getattr(task, name) for name, default in _DEFAULTS.items() if getattr(task, name) != default}
    return {
        _KEYS[name]: value.isoformat() if isinstance(value, datetime) else str(value) for name, value in said.items()
    }


def of(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The values by the names of `Task`'s fields."""
    said: dict[str, Any] = {name: metadata[key] for name, key in _KEYS.items() if key in metadata}
    if "priority" in said:
        said["priority"] = int(said["priority"])
    if "run_after" in said:
        said["run_after"] = datetime.fromisoformat(said["run_after"])
    return {**_DEFAULTS, **said}


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
