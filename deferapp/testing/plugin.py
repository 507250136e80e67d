"""The pytest plugin: one fixture, which does nothing unless a test asks for it. Imports nothing of Django's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def no_broker() -> Iterator[None]:
    """Let nothing that the test enqueues try to reach a broker."""
    from deferapp.testing.broker import no_broker as without_broker

    with without_broker():
        yield
