"""What the tests of signals share: an ear, and no function of theirs stays declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.dispatch import Signal

from deferapp import signals
from deferapp.models import Execution
from deferapp.workers import presence

NAMES = (
    "enqueued",
    "started",
    "retried",
    "succeeded",
    "failed",
    "cancelled",
    "discarded",
    "missed",
    "alerted",
    "recovered",
)
SUBJECTS = {"missed": "due_at", "alerted": "alert", "recovered": "alert"}
"""The argument that says what a signal is about, where that is not an execution."""


@dataclass
class Ear:
    """What was heard, in order."""

    sent: list[tuple[str, Any]] = field(default_factory=list)
    """The name of each signal, and what it is about."""
    senders: set[Any] = field(default_factory=set)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.sent]

    def of(self, name: str) -> list[Execution]:
        return [each for heard, each in self.sent if heard == name]

    def hearing(self, name: str) -> Callable[..., None]:
        def receive(sender: Any, signal: Signal, **named: Any) -> None:
            self.senders.add(sender)
            self.sent.append((name, named[SUBJECTS.get(name, "execution")]))

        return receive


@pytest.fixture
def connect() -> Iterator[Callable[[Signal, Callable[..., Any]], None]]:
    """Connect a receiver until the end of the test."""
    connected: list[tuple[Signal, Callable[..., Any]]] = []

    def connect(signal: Signal, receiver: Callable[..., Any]) -> None:
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)


@pytest.fixture
def ear(connect: Callable[[Signal, Callable[..., Any]], None]) -> Ear:
    """An ear for all signals."""
    ear = Ear()
    for name in NAMES:
        connect(getattr(signals, name), ear.hearing(name))
    return ear


@pytest.fixture(autouse=True)
def _own_registry_and_worker(empty_registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_mine", None)
