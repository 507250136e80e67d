"""The views' URLs, and a queue from which nobody takes."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from tests.unit.queue import MemoryQueue


@pytest.fixture(autouse=True)
def web(transactional_db: None, queue: MemoryQueue, settings: LazySettings) -> None:
    settings.ROOT_URLCONF = "tests.unit.web.urls"


@pytest.fixture
def visitor() -> Client:
    """Somebody who is not logged in, with CSRF protection left out."""
    return Client()


@pytest.fixture
def ada() -> Client:
    return signed_in("ada")


@pytest.fixture
def bob() -> Client:
    return signed_in("bob")


def signed_in(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(name))
    return client
