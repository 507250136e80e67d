"""Our backend as the project's, and nothing left of it for other tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deferapp.tasks_backend import tell
from tests.unit.tasks_backend import tasks

TASKS: dict[str, Any] = {
    "default": {"BACKEND": "deferapp.tasks_backend.DeferBackend", "QUEUES": ["default", "mail"]},
    "once": {"BACKEND": "deferapp.tasks_backend.DeferBackend", "OPTIONS": {"retry": False}},
}


@pytest.fixture(autouse=True)
def _backend(settings: Any, empty_registry: None) -> Iterator[None]:
    settings.TASKS = TASKS
    tasks.did.clear()
    yield
    for signal in tell.ENDS:
        signal.disconnect(dispatch_uid="deferapp.tasks_backend")
