"""Celery tasks of a project, run by Celery's own tracer as in a process of a pool, and what is seen of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery, Task, signals
from celery.app.trace import build_tracer
from django.conf import LazySettings

from deferapp.observe import listen
from deferapp.observe.write import Seen

Run = Callable[..., list[Seen]]


@pytest.fixture
def app(settings: LazySettings) -> Iterator[Celery]:
    """An app of the project, whose tasks are observed as in a worker."""
    settings.DEFER = {"OBSERVE_CELERY_TASKS": True}
    listened = (
        signals.task_prerun,
        signals.task_postrun,
        signals.task_failure,
        signals.task_retry,
        signals.task_revoked,
        signals.worker_process_shutdown,
        signals.worker_shutdown,
    )
    before = [(signal, list(signal.receivers)) for signal in listened]
    listen.install_in_worker()
    made = Celery("of-a-test", broker="memory://", set_as_current=False)
    yield made
    for signal, receivers in before:
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """What would be written."""
    heard: list[Seen] = []
    monkeypatch.setattr(listen.writer, "add", heard.append)
    return heard


@pytest.fixture
def run(app: Celery, seen: list[Seen]) -> Run:
    """Run a task with a message's headers, and give what was seen so far."""

    def run(task: Task, *args: Any, **headers: Any) -> list[Seen]:
        id = headers.pop("id", None) or str(uuid4())
        tracer = build_tracer(task.name, task, app=app, hostname="celery@web1")
        request = {"id": id, "retries": 0, "origin": "gen7@web1", "hostname": "celery@web1", **headers}
        tracer(id, args, {}, {"is_eager": False, "called_directly": False, **request})
        return seen

    return run
