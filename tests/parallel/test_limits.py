"""Limits of concurrency, counted by several at the same time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from deferapp.executions import life
from deferapp.executions.states import State
from deferapp.models import Execution, Limit
from tests.parallel.actors import Pause, at_once, wait_until_stuck
from tests.parallel.conftest import Actors
from tests.unit.rows import function_named, make_execution, make_executions

pytestmark = pytest.mark.usefixtures("database")

NAME = "shop.defer.mail"
TWO = function_named(NAME, concurrency=2)
KEYS = [f"{NAME}:ann", f"{NAME}:bob"]


def claim(executions: list[Execution], function: Any = TWO) -> Callable[[], list[Execution]]:
    """What a worker does, with the same claim if it has to do it again."""
    ids = [execution.id for execution in executions]
    return partial(life.claim, function, ids, claim=uuid4(), worker_id=1, most=100)


@pytest.mark.parametrize("is_known", [True, False], ids=["known limit", "new limit"])
def test_who_counts_while_another_one_has_counted_and_not_claimed_waits(is_known: bool, actors: Actors) -> None:
    executions = make_executions(6)
    if is_known:
        Limit.objects.create(key=NAME)
    one, another = actors(2)
    pause = Pause("COUNT(*)")
    first = one.begin(claim(executions[:3]), pause)
    with pause.reached_by(first):
        second = another.begin(claim(executions[3:]))
        wait_until_stuck(another, second)
        assert not second.done()
    assert first.result() == executions[:2]
    assert second.result() == []
    assert Execution.objects.filter(state=State.STARTED).count() == 2


@pytest.mark.parametrize("is_known", [True, False], ids=["known limits", "new limits"])
def test_who_claims_under_several_limits_takes_them_in_one_order(is_known: bool, actors: Actors) -> None:
    lists = [[make_execution(limit_key=key) for key in keys] for keys in (KEYS, KEYS[::-1])]
    if is_known:
        Limit.objects.bulk_create([Limit(key=key) for key in KEYS])
    one, another = actors(2)
    pause = Pause("deferapp_limit")
    first = one.begin(claim(lists[0]), pause)
    with pause.reached_by(first):
        second = another.begin(claim(lists[1]))
        wait_until_stuck(another, second)
    assert len(first.result()) + len(second.result()) == 4
    assert Execution.objects.filter(state=State.STARTED).count() == 4


def test_of_many_that_claim_at_once_only_as_many_are_admitted_as_may_run(actors: Actors) -> None:
    crowd = actors(6)
    for round in range(5):
        limit_key = f"{NAME}:{round}"
        lists = [[make_execution(limit_key=limit_key) for _ in range(3)] for _ in crowd]
        claimed = at_once(crowd, *map(claim, lists))
        assert sum(map(len, claimed)) == 2
        assert Execution.objects.filter(limit_key=limit_key, state=State.STARTED).count() == 2


def test_of_many_that_claim_at_once_a_limit_that_cancels_refuses_the_others(actors: Actors) -> None:
    function = function_named(NAME, concurrency=2, max_concurrency_action="cancel")
    crowd = actors(4)
    executions = make_executions(8)
    lists = [executions[::-1], executions[:5], executions[3:], executions[::2] + executions[1::2]]
    claimed = at_once(crowd, *(claim(each, function) for each in lists))
    assert sum(map(len, claimed)) == 2
    states = list(Execution.objects.values_list("state", flat=True))
    assert (states.count(State.STARTED), states.count(State.CANCELLED)) == (2, 6)
