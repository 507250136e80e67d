"""The ids of claims, and what a process that has stood still begins of what it had claimed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from deferapp import defer
from deferapp.executions import life
from deferapp.executions.states import State
from deferapp.functions.function import BackgroundFunction
from deferapp.models import Execution, Worker
from deferapp.workers import claims, presence, recover, run
from tests.unit.rows import claim, make_executions, values_of

begun: list[int] = []


@pytest.fixture(autouse=True)
def _none_has_begun() -> None:
    begun.clear()


def take_from_us(ids: Sequence[UUID]) -> None:
    """Let others recover what this process holds, as if it had been silent for long."""
    for worker in Worker.objects.filter(executions__in=ids).distinct():
        recover.recover(worker)


def simple(number: int) -> None:
    begun.append(number)


def robbed(number: int) -> None:
    begun.append(number)
    take_from_us(list(Execution.objects.filter(state=State.STARTED).values_list("id", flat=True)))


def test_the_claims_of_a_run_are_known_as_its_own_and_order_as_they_were_made() -> None:
    mine, others = claims.of_a_run(), claims.of_a_run()
    first, second, other = next(mine), next(mine), next(others)
    assert first < second
    assert claims.run_of(first) == claims.run_of(second) != claims.run_of(other)


@pytest.mark.django_db
def test_what_is_held_is_told_from_what_others_have_taken() -> None:
    held = claim(make_executions(3))
    life.give_back(held[1:2])
    life.give_back(held[2:])
    claim(held[2:])
    assert claims.still_held(held) == {held[0].pk}


@pytest.fixture
def enqueue(empty_registry: None, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(presence, "_mine", None)

    def enqueue(body: Any, count: int = 3) -> tuple[BackgroundFunction[..., Any], list[Execution]]:
        function = defer(body)
        return function, [function.enqueue(number) for number in range(count)]

    return enqueue


def states(executions: list[Execution]) -> list[tuple[str, int]]:
    return [(values_of(each)["state"], values_of(each)["attempt"]) for each in executions]


def test_a_process_whose_attempt_was_taken_from_it_begins_nothing_else_of_what_it_held(enqueue: Any) -> None:
    function, executions = enqueue(robbed)
    run.run(function, [each.pk for each in executions])
    assert begun == [0]
    assert states(executions) == [(State.CREATED, 1), (State.CREATED, 0), (State.CREATED, 0)]


@pytest.mark.parametrize(("is_taken", "expected"), [(True, []), (False, [0, 1, 2])])
def test_a_process_that_stood_still_after_its_claim_begins_what_it_still_holds(
    enqueue: Any, monkeypatch: pytest.MonkeyPatch, is_taken: bool, expected: list[int]
) -> None:
    function, executions = enqueue(simple)
    the_claim, the_time, pause = life.claim, time.monotonic, 0.0

    def claim_and_stand_still(*args: Any, **kwargs: Any) -> list[Execution]:
        nonlocal pause
        claimed, pause = the_claim(*args, **kwargs), 60.0
        if is_taken:
            take_from_us([each.pk for each in claimed])
        return claimed

    monkeypatch.setattr(life, "claim", claim_and_stand_still)
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=lambda: the_time() + pause))
    run.run(function, [each.pk for each in executions])
    assert begun == expected
