"""Django's three signals, each when it is due."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django_tasks import signals

from deferapp import defer
from deferapp.functions import registry
from deferapp.models import Execution
from deferapp.tasks_backend import DeferBackend
from deferapp.testing import failing, run_enqueued
from tests.unit.tasks_backend import tasks

pytestmark = pytest.mark.django_db(transaction=True)

Heard = list[tuple[str, str, int]]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """The signals: which, the status, and how many attempts there were."""
    found: Heard = []
    receivers = {}
    for name in ("task_enqueued", "task_started", "task_finished"):

        def hear(sender: Any, task_result: Any, _name: str = name, **_: Any) -> None:
            assert sender is DeferBackend
            found.append((_name, str(task_result.status), task_result.attempts))

        receivers[name] = hear
        getattr(signals, name).connect(hear)
    yield found
    for name, hear in receivers.items():
        getattr(signals, name).disconnect(hear)


@pytest.mark.parametrize("task", [tasks.add, tasks.add_together], ids=["sync", "async"])
def test_a_task_is_enqueued_started_and_finished(task: Any, heard: Heard) -> None:
    task.enqueue(1)
    run_enqueued()
    assert heard == [
        ("task_enqueued", "READY", 0),
        ("task_started", "RUNNING", 1),
        ("task_finished", "SUCCESSFUL", 1),
    ]


def test_each_attempt_starts_and_the_last_finishes(heard: Heard) -> None:
    tasks.tells.using(backend="once").enqueue("word")
    with failing(registry.get(tasks.tells.module_path)):  # type: ignore[arg-type]
        run_enqueued(may_fail=True)
    assert heard == [("task_enqueued", "READY", 0), ("task_finished", "FAILED", 1)]


def test_a_failed_task_starts_as_often_as_it_is_tried_and_finishes_once(heard: Heard) -> None:
    tasks.breaks.enqueue()
    run_enqueued(may_fail=True)
    started = [attempts for name, _, attempts in heard if name == "task_started"]
    assert started == list(range(1, 15))
    assert heard[-1] == ("task_finished", "FAILED", 14)
    assert len(heard) == 16


def test_nothing_is_told_before_the_commit(heard: Heard) -> None:
    with transaction.atomic():
        tasks.add.enqueue(1)
        assert heard == []
    assert heard == [("task_enqueued", "READY", 0)]


def test_nothing_is_told_of_what_was_rolled_back(heard: Heard) -> None:
    with transaction.atomic():
        tasks.add.enqueue(1)
        transaction.set_rollback(True)
    assert heard == []


def test_one_that_is_cancelled_is_finished(heard: Heard) -> None:
    tasks.add.enqueue(1)
    Execution.objects.get().cancel()
    assert heard[-1] == ("task_finished", "FAILED", 0)


def test_djangos_log_has_the_error_of_a_task_that_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    tasks.breaks.using(backend="once").enqueue()
    with caplog.at_level("ERROR", "django_tasks"):
        run_enqueued(may_fail=True)
    assert "state=FAILED" in caplog.text
    assert "ValueError: broken" in caplog.text


def test_other_functions_are_no_tasks(heard: Heard) -> None:
    tasks.add.get_backend()
    defer(_no_task)()
    run_enqueued()
    assert heard == []


def _no_task() -> None: ...
