"""Staff of several kinds, signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from deferapp.models import Alert, Execution, Schedule, Worker


@pytest.fixture(autouse=True)
def ledger(db: None) -> None:
    """Every page reads the ledger, and Django's content types once in a process: before the queries are counted."""
    ContentType.objects.get_for_models(Alert, Execution, Schedule, Worker)


@pytest.fixture
def staff() -> Callable[..., Client]:
    """A client signed in as staff that have these permissions and no others."""

    def sign_in(*codenames: str, name: str = "staff") -> Client:
        user = User.objects.create_user(name, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def viewer(staff: Callable[..., Client]) -> Client:
    """Staff that may view executions with their values, schedules, workers and alerts."""
    return staff("view_execution", "view_execution_values", "view_schedule", "view_worker", "view_alert")
