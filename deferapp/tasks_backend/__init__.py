"""Django's tasks as background functions: `TASKS = {"default": {"BACKEND": "deferapp.tasks_backend.DeferBackend"}}`.

Every `@task` of `django.tasks` (Django 6.0), or of the package django-tasks on Django 5.2, is then an execution in the
ledger: with retries, in the dashboard, its result there for every process. Imported only when `TASKS` names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deferapp.tasks_backend.backend import DeferBackend as DeferBackend


def __getattr__(name: str) -> Any:
    """Loaded when asked for: without `TASKS`, neither library of tasks need be there."""
    if name == "DeferBackend":
        from deferapp.tasks_backend.backend import DeferBackend

        return DeferBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
