"""Finding the tasks of a project, so that workers know them: the modules `tasks` of its apps."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.module_loading import autodiscover_modules

PATH: Final = "deferapp.tasks_backend.DeferBackend"
MODULE: Final = "tasks"


def import_tasks() -> None:
    """Import them if `TASKS` names our backend; declared elsewhere, a task is known once its module is imported."""
    backends = getattr(settings, "TASKS", {}).values()
    if any(params.get("BACKEND") == PATH for params in backends):
        autodiscover_modules(MODULE)
