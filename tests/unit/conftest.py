"""Fixtures of the unit tests: a registry, a queue and site folders of a test's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deferapp.dispatch import overdue, publish
from deferapp.dispatch.broker import Broker, celery_app, local_worker
from deferapp.functions import registry
from tests.unit.queue import MemoryQueue

MakePackage = Callable[[str, dict[str, str]], str]


@pytest.fixture
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this test declare functions without those of the project, and forget them at its end."""
    monkeypatch.setattr(registry, "_functions", {})
    monkeypatch.setattr(registry, "_problems", {})


@pytest.fixture
def fresh_broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The broker connection of a process that has sent nothing yet."""
    fresh = Broker()
    monkeypatch.setattr(publish, "broker", fresh)
    monkeypatch.setattr(overdue, "broker", fresh)
    return fresh


@pytest.fixture
def queue(fresh_broker: Broker) -> Iterator[MemoryQueue]:
    """The queue in memory, empty, and a worker in this process for whom messages are left there."""
    memory = MemoryQueue()
    memory.take()
    local_worker.set()
    yield memory
    local_worker.clear()
    memory.take()


@pytest.fixture
def use_broker(monkeypatch: pytest.MonkeyPatch, fresh_broker: Broker) -> Callable[[str], None]:
    """Let messages go to the broker of this URL."""

    def use(url: str) -> None:
        monkeypatch.setattr(celery_app().conf, "broker_url", url)

    return use


@pytest.fixture
def make_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePackage]:
    """Make an importable package of files by their relative paths; it is forgotten at the end of the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def make(name: str, files: dict[str, str]) -> str:
        made.append(name)
        write_files(tmp_path / name, {"__init__.py": "", **files})
        return name

    yield make
    for module in [module for module in sys.modules if module.partition(".")[0] in made]:
        del sys.modules[module]


def write_files(directory: Path, files: dict[str, Any]) -> None:
    for path, text in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
