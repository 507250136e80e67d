"""Which of the project's Celery tasks are observed, and what they are called in charts, errors and alerts."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from deferapp import conf

PREFIX: Final = "celery:"
"""Before the names of tasks, where those of functions stand. No function has such a name."""
_LONGEST: Final = 200
_OWN: Final = ("celery.", "deferapp.")
"""Tasks of Celery itself, such as `celery.backend_cleanup`, and ours."""


def name_of(task: str) -> str:
    return f"{PREFIX}{task}"[:_LONGEST]


def is_observed(function: str) -> bool:
    """Whether what is counted under this name is a Celery task that is only looked at."""
    return function.startswith(PREFIX)


def is_wanted(task: str) -> bool:
    """Whether `DEFER["OBSERVE_CELERY_TASKS"]` asks for a task, which is no function of ours."""
    wanted = conf.declared().get("OBSERVE_CELERY_TASKS", False)
    if not wanted or task.startswith(_OWN):
        return False
    return wanted is True or any(fnmatchcase(task, pattern) for pattern in wanted)


def is_setting(value: object) -> bool:
    """Whether the setting may be this: a bool, or names of tasks."""
    if isinstance(value, bool):
        return True
    return isinstance(value, Iterable) and not isinstance(value, str) and all(isinstance(each, str) for each in value)
