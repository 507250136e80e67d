"""A loop of async code goes on while what it has enqueued is written, and hears of it if that fails."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from deferapp.executions import collect
from deferapp.executions.collect import Collector

SECONDS = 30.0


class Ledger:
    """Takes what is written; nothing before it may, and nothing while it is down."""

    def __init__(self) -> None:
        self.written: list[Any] = []
        self.may = threading.Event()
        self.is_down = False

    def write(self, batch: Sequence[Any]) -> None:
        assert self.may.wait(SECONDS)
        if self.is_down:
            raise ConnectionError("the ledger is down")
        self.written += batch


async def enqueue(collector: Collector, *names: str) -> None:
    for name in names:
        if collector.takes(name) and collector.is_full:  # type: ignore[arg-type]
            await collector.aflush_behind()


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(collect, "FULL", 2)
    monkeypatch.setattr(collect, "BURST", SECONDS)
    return Ledger()


def test_the_loop_goes_on_while_a_list_is_written_and_waits_before_the_next(ledger: Ledger) -> None:
    collector = Collector(ledger.write)

    async def body() -> list[Any]:
        await enqueue(collector, "first is written alone", "a", "b", "c")
        so_far = list(ledger.written)
        ledger.may.set()
        await enqueue(collector, "d", "e", "f")
        return so_far

    assert async_to_sync(body)() == []
    collector.flush()
    assert ledger.written == ["a", "b", "c", "d", "e", "f"]
    assert collector.is_idle


def test_a_list_that_could_not_be_written_fails_the_loop_at_the_next_and_is_kept(ledger: Ledger) -> None:
    ledger.is_down = True
    ledger.may.set()
    collector = Collector(ledger.write)
    with pytest.raises(ConnectionError):
        async_to_sync(enqueue)(collector, "first is written alone", "a", "b", "c", "d", "e")
    ledger.is_down = False
    collector.flush()
    assert ledger.written == ["a", "b", "c", "d", "e"][: len(ledger.written)]
    assert len(ledger.written) >= 3


def test_a_loop_that_ends_while_a_list_is_written_leaves_nothing_behind(ledger: Ledger) -> None:
    collector = Collector(ledger.write)

    async def body() -> None:
        await enqueue(collector, "first is written alone", "a", "b")
        ledger.may.set()

    async_to_sync(body)()
    async_to_sync(enqueue)(collector, "c", "d", "e")  # in a loop of its own
    collector.flush()
    assert ledger.written == ["a", "b", "c", "d", "e"]
