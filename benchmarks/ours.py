"""deferapp as one of the systems that are compared: the tests' project with the functions of `benchmarks.work`."""

from __future__ import annotations

import importlib
import time
from typing import Any

import django

import tests  # noqa: F401  the project's Celery app

django.setup()


def one(body: str, number: int) -> None:
    _function(body)(number)


def many(body: str, count: int) -> None:
    _function(body).map(range(count))


def loop(_body: str, count: int) -> float:
    """In a parent, by a worker that takes nothing else: from the beginning of its attempt to its recorded end."""
    parent = _function("fan_out")(count)
    while True:
        parent.refresh_from_db()
        if parent.ended_at is not None:
            attempt = parent.attempts.get()
            assert parent.state == "succeeded", attempt.traceback
            return (attempt.ended_at - attempt.started_at).total_seconds()
        time.sleep(0.25)  # seldom: its queries count as CPU


def _function(name: str) -> Any:
    return getattr(importlib.import_module(f"benchmarks.work.defer.{name}"), name)
