"""What a worker tells of itself with its heartbeat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery

from deferapp.clock import now
from deferapp.dispatch.broker import celery_app, local_worker
from deferapp.models import Worker
from deferapp.workers import facts, presence
from tests.unit.rows import SECOND

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "answered", "offset"),
    [(-1, 1, 0), (-5, 60, 0), (0, 0, 0), (3, 4, 3), (-9, -7, -7), (0, 30, 0), (90, 90, 90)],
)
def test_a_clock_is_said_to_be_wrong_by_no_more_than_it_must_be(asked: int, answered: int, offset: int) -> None:
    assert facts.clock_offset(NOON + asked * SECOND, NOON + answered * SECOND, NOON) == offset * SECOND


@pytest.mark.django_db
def test_a_heartbeat_tells_queues_broker_and_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_node", None)
    monkeypatch.setattr(presence, "_mine", None)
    monkeypatch.setattr(presence, "now", lambda: now() + timedelta(hours=1))
    presence.prepare("shop@here", "prefork")
    presence.beat()
    presence.beat()
    worker = Worker.objects.get()
    assert worker.queues == ["celery"]
    assert worker.broker.startswith("memory://")
    assert worker.pool == "prefork"
    assert worker.clock_offset is not None
    assert abs(worker.clock_offset - timedelta(hours=1)) < 30 * SECOND
    presence.node().drain()
    presence.beat()
    worker.refresh_from_db()
    assert worker.queues == []


def test_a_worker_inside_of_another_process_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    local_worker.set()
    try:
        assert facts.told(is_draining=False)["pool"] == "embedded"
    finally:
        local_worker.clear()
    assert "pool" not in facts.told(is_draining=False)


def test_what_cannot_be_told_does_not_keep_the_heart_from_beating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "celery_app", lambda: None)
    assert facts.told(is_draining=False) == {}


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://ada:secret@cache.example:6380/3", "redis://cache.example:6380/3"),
        ("redis://cache.example", "redis://cache.example:6379/0"),
        ("redis://cache.example:6379/0", "redis://cache.example:6379/0"),
        ("amqp://ada:secret@rabbit.example//", "amqp://rabbit.example:5672/"),
        ("amqp://ada:secret@rabbit.example:5672/shop", "amqp://rabbit.example:5672/shop"),
    ],
)
def test_of_a_broker_the_place_is_told_and_no_user_or_password(url: str, place: str) -> None:
    app = Celery("kiosk", broker=url, set_as_current=False)
    assert facts.broker_of(app) == place


def test_the_queues_are_those_of_now(use_broker: Callable[[str], None]) -> None:
    app = celery_app()
    app.amqp.queues.select_add("late")
    try:
        assert "late" in facts.told(is_draining=False)["queues"]
    finally:
        app.amqp.queues.deselect(["late"])


def test_a_worker_tells_how_much_it_does_at_once_also_when_that_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pool:
        num_processes = 4

    monkeypatch.setattr(facts, "_pools", [])
    assert "slots" not in facts.told(is_draining=False)
    facts.has_pool(Pool)
    assert facts.told(is_draining=False)["slots"] == 4
    Pool.num_processes = 8
    assert facts.told(is_draining=False)["slots"] == 8
