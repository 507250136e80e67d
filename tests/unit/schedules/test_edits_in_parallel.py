"""Edits are told from deployments that happen at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from deferapp import defer
from deferapp.functions import registry
from deferapp.models import Schedule
from deferapp.schedules import edits
from deferapp.schedules.sync import sync
from deferapp.workers.persist import persist
from tests.unit.parallel import LIMIT_SECONDS, close_connections

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_schedules")]

BLOCKED_AFTER_SECONDS = 0.5


def weekly() -> None: ...


def deploy(frequency: str) -> None:
    registry._functions.clear()
    defer.cron(weekly, frequency)
    sync()


class Meanwhile:
    """Something that happens on a connection of its own after the first query about beat's tasks."""

    def __init__(self, what: Callable[[], None]) -> None:
        self._what = what
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            persist(self._what)
        finally:
            close_connections()

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if "periodictask" in sql and not self._thread.ident:
            self._thread.start()
            self._thread.join(BLOCKED_AFTER_SECONDS)
        return result

    def wait(self) -> None:
        self._thread.join(LIMIT_SECONDS)
        assert not self._thread.is_alive()


def test_a_deployment_in_the_middle_of_looking_for_edits_is_not_taken_for_one() -> None:
    deploy("0 8 * * *")
    deployment = Meanwhile(partial(deploy, "30 9 * * *"))
    with connection.execute_wrapper(deployment):
        edits.absorb()
    deployment.wait()
    schedule = Schedule.objects.get()
    assert (schedule.frequency, schedule.is_overridden, schedule.edited_at) == ("30 9 * * *", False, None)


def choose_minute(minute: str) -> None:
    """Choose another crontab, as a person does in the admin."""
    task = PeriodicTask.objects.get()
    task.crontab = CrontabSchedule.objects.create(minute=minute, hour="8", timezone="UTC")
    task.save()


def edit_minute_in_place(minute: str) -> None:
    crontab = PeriodicTask.objects.get().crontab
    crontab.minute = minute
    crontab.save()


@pytest.mark.parametrize("edit", [choose_minute, edit_minute_in_place])
def test_an_edit_that_is_made_while_another_is_taken_over_is_not_undone(edit: Callable[[str], None]) -> None:
    deploy("0 8 * * *")
    choose_minute("*/15")  # beat gets lists, so the row is written again
    another = Meanwhile(partial(edit, "49"))
    with connection.execute_wrapper(another):
        edits.absorb()
    another.wait()
    edits.absorb()
    assert Schedule.objects.get().frequency == "49 8 * * *"
    assert PeriodicTask.objects.get().crontab.minute == "49"
