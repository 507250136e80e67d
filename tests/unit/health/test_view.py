"""The page for load balancers: states and nothing else, quickly, for everybody."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client
from django.urls import path

from deferapp.clock import now
from deferapp.health import states
from deferapp.health.scene import Scene
from deferapp.health.views import health
from deferapp.models import Housekeeping, Worker
from tests.unit.rows import MINUTE
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

urlpatterns = [path("health/", health)]

WELL = {"database": "ok", "broker": "ok", "worker": "ok", "beat": "ok"}


@pytest.fixture(autouse=True)
def fresh(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    monkeypatch.setattr(states, "_watch", states.Watch())


def ask(query: str = "") -> tuple[int, dict[str, Any]]:
    answer = Client().get(f"/health/{query}")
    assert "no-store" in answer["Cache-Control"]
    return answer.status_code, json.loads(answer.content)


def test_when_all_is_well_it_says_so_to_everybody(worker: Worker) -> None:
    assert ask() == ask("?all") == (200, {"status": "ok", **WELL})


def test_without_a_worker_requests_are_served_and_a_monitor_is_told() -> None:
    said = {**WELL, "worker": "not ok"}
    assert ask() == (200, {"status": "ok", **said})
    assert ask("?all") == (503, {"status": "not ok", **said})


def test_a_silent_beat_is_told(worker: Worker) -> None:
    Housekeeping.objects.update(ring_owed_since=now() - 10 * MINUTE)
    assert ask("?all") == (503, {"status": "not ok", **WELL, "beat": "not ok"})


def test_a_worker_that_is_silent_or_ends_is_none(worker: Worker) -> None:
    Worker.objects.update(queues=[])
    assert ask()[1]["worker"] == "not ok"


@pytest.mark.parametrize("state", ["refusing", "hanging"])
def test_a_broker_that_does_not_answer_is_told_within_the_third_of_a_second_that_it_may_take(
    worker: Worker, state: str, use_broker: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    use_broker(f"amqp://{request.getfixturevalue(state)}//")
    begun = time.monotonic()
    assert ask() == (200, {"status": "ok", **WELL, "broker": "not ok"})
    assert time.monotonic() - begun < 1


def test_a_database_that_does_not_answer_is_503_and_nothing_is_said_of_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_scene: Scene) -> None:
        raise OperationalError("password=hunter2")

    monkeypatch.setattr(Scene, "readers", property(fail))
    expected = {"database": "not ok", "broker": "ok", "worker": "not ok", "beat": "not ok"}
    assert ask() == (503, {"status": "not ok", **expected})


def test_liveness_looks_at_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise AssertionError

    monkeypatch.setattr(states, "current", fail)
    assert ask("?live") == (200, {"status": "ok"})


def test_an_answer_is_kept_for_a_second(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask()[1]["worker"] == "ok"
    Worker.objects.all().delete()
    assert ask()[1]["worker"] == "ok"
    monkeypatch.setattr(states, "KEPT_SECONDS", 0.0)
    assert ask()[1]["worker"] == "not ok"


def test_as_long_as_something_hangs_it_is_not_asked_again() -> None:
    gate = threading.Event()
    asked: list[bool] = []

    def hang() -> bool:
        asked.append(True)
        return gate.wait(30)

    question = states.Question(0.05, False)
    assert [question.ask(hang)() for _ in range(3)] == [False] * 3
    assert len(asked) == 1
    gate.set()
    wait_until(lambda: question.ask(hang)(), 30, "it is asked again")


def test_only_reading_is_answered() -> None:
    assert Client().post("/health/").status_code == 405
    assert Client().head("/health/?live").status_code == 200
