"""Staff of several kinds, signed in, on an empty ledger."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from deferapp.models import Alert, Execution, Schedule, Worker


@pytest.fixture(autouse=True)
def ledger(db: None) -> None:
    """Django reads its content types once in a process: before queries are counted."""
    ContentType.objects.get_for_models(Alert, Execution, Schedule, Worker)


@pytest.fixture
def staff() -> Callable[..., Client]:
    """A client signed in as staff that have these permissions of deferapp and no others."""

    def sign_in(*codenames: str, name: str = "staff", **options: bool) -> Client:
        user = User.objects.create_user(name, is_staff=True)
        wanted = Permission.objects.filter(codename__in=codenames, content_type__app_label="deferapp")
        user.user_permissions.set(wanted)
        client = Client(**options)
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def viewer(staff: Callable[..., Client]) -> Client:
    return staff("view_execution", "view_schedule", "view_worker", "view_alert")
