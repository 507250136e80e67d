"""A worker that lacks a function leaves its work, and the house, to others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from deferapp.dispatch import message as messages
from deferapp.workers import behind, presence
from tests.unit.rows import make_worker
from tests.unit.workers.test_presence import takes_over

pytestmark = pytest.mark.django_db
NAME = "shop.defer.of_the_next_release"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that `behind` reads, to be moved on."""
    seconds = [1000.0]
    monkeypatch.setattr(behind, "_since", None)
    monkeypatch.setattr(behind, "monotonic", lambda: seconds[0])
    return seconds


def unknown(payload: Any) -> None:
    behind.on_unknown(message=SimpleNamespace(payload=payload), name=NAME, sender=None, exc=KeyError(NAME), id="1")


def ours() -> tuple[Any, ...]:
    args, kwargs = messages.build([uuid4()])
    return args, kwargs, {"callbacks": None}


def test_it_gives_the_house_to_another_and_says_which_function_it_lacks(caplog: pytest.LogCaptureFixture) -> None:
    old, new = make_worker(), make_worker()
    assert takes_over(old)
    unknown(ours())
    assert NAME in caplog.text
    assert not presence.keeps_house(old)
    behind._since = None  # The new worker is another process.
    assert presence.keeps_house(new)
    assert not presence.keeps_house(old)


def test_it_keeps_house_again_when_nobody_else_does_and_gives_way_again_later(clock: list[float]) -> None:
    old = make_worker()
    assert takes_over(old)
    unknown(ours())
    assert not presence.keeps_house(old)
    clock[0] += behind.GIVES_WAY
    unknown(ours())
    assert presence.keeps_house(old), "somebody has to, however many such messages come"
    clock[0] += behind.EVERY - behind.GIVES_WAY
    assert not presence.keeps_house(old)


@pytest.mark.parametrize("payload", [None, b"x", {}, ([], {}, {}), (["x"], {"version": 1}, {}), ([["x"]], {}, {}), 7])
def test_tasks_of_others_that_are_unknown_change_nothing(payload: Any, caplog: pytest.LogCaptureFixture) -> None:
    old = make_worker()
    assert takes_over(old)
    unknown(payload)
    assert presence.keeps_house(old)
    assert not caplog.records
