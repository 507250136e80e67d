"""What somebody may not see is told as text: no link leads to a page that says 403."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Alert, AlertKind, DueMoment, Execution, Schedule, Worker
from tests.unit.admin.pages import open_page
from tests.unit.rows import make_execution, make_worker

MONDAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
NAME = "shop.defer.weekly"


@pytest.fixture
def execution() -> Execution:
    """Which is told of by a schedule, a worker and an alert."""
    worker = make_worker()
    execution = make_execution(NAME, state=State.STARTED, worker=worker, started_at=now())
    schedule = Schedule.objects.create(function=NAME, frequency="0 8 * * 1", declared_frequency="0 8 * * 1")
    DueMoment.objects.create(schedule=schedule, due_at=MONDAY, decided_at=MONDAY, execution=execution)
    details = {"function": NAME, "named": [{"execution": str(execution.pk), "attempt": 1}]}
    Alert.objects.create(kind=AlertKind.FAILURES, text="ValueError", details=details, opened_at=now())
    return execution


def pages(client: Client) -> list[str]:
    schedule = Schedule.objects.get(function=NAME)
    return [
        open_page(client, "schedule_changelist"),
        open_page(client, "schedule_change", schedule.pk),
        open_page(client, "worker_change", Worker.objects.get().pk),
        open_page(client, "alert_change", Alert.objects.get().pk),
    ]


@pytest.mark.parametrize("sees", [True, False])
def test_only_those_who_may_see_executions_get_links_to_them(
    staff: Callable[..., Client], execution: Execution, sees: bool
) -> None:
    others = ("view_schedule", "view_worker", "view_alert")
    client = staff(*others, *(("view_execution",) if sees else ()))
    url = reverse("admin:deferapp_execution_change", args=[execution.pk])
    found = pages(client)
    assert [url in html for html in found] == [sees] * 4
    assert sees or not any(reverse("admin:deferapp_execution_changelist") in html for html in found)
