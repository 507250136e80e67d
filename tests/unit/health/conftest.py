"""What the looks look at: a project in which all is well, and brokers that do not answer."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import pytest

from deferapp.clock import now
from deferapp.dispatch.broker import Broker
from deferapp.health import broker
from deferapp.health.finding import Finding
from deferapp.health.scene import Scene
from deferapp.models import Housekeeping, Worker
from tests.unit.rows import MINUTE, SECOND, make_worker


@pytest.fixture(autouse=True)
def line(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker has failed a moment ago."""
    monkeypatch.setattr(broker, "_line", Broker())


@pytest.fixture
def worker() -> Worker:
    """A worker that reads the usual queue, and keeps house."""
    worker = make_worker(
        queues=["celery"], broker="memory://localhost/", clock_offset=0 * SECOND, started_at=long_ago()
    )
    Housekeeping.objects.update_or_create(pk=1, defaults={"worker": worker, "lease_until": now() + 5 * SECOND})
    return worker


def long_ago() -> datetime:
    return now() - 60 * MINUTE


@pytest.fixture
def refusing() -> Iterator[str]:
    """The place of a port that is taken, and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def hanging() -> Iterator[str]:
    """The place of a port on which connections are accepted, and nobody ever answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def found(look: Callable[[Scene], Iterable[Finding]]) -> list[Finding]:
    """What a look finds, in a scene of its own."""
    return list(look(Scene()))


def ids(look: Callable[[Scene], Iterable[Finding]]) -> list[str]:
    return [finding.id for finding in found(look)]
