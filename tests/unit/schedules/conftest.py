"""Schedules of a test's own."""

from __future__ import annotations

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from deferapp.models import Schedule
from deferapp.schedules import edits


@pytest.fixture
def no_schedules(db: None, empty_registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No function with a schedule, and none of the rows that migrating made for the project's."""
    monkeypatch.setattr(edits, "_seen", None)
    PeriodicTask.objects.all().delete()
    CrontabSchedule.objects.all().delete()
    Schedule.objects.all().delete()
