"""Executions that must exist once, made by several at the same time: the primary key refuses the second one."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import pytest

from deferapp.clock import now
from deferapp.executions import enqueue
from deferapp.executions.batches import hooks
from deferapp.executions.ids import child_id
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import BatchHook, Execution
from tests.parallel.actors import Actor, Pause, at_once, wait_until_stuck
from tests.parallel.conftest import Actors
from tests.unit.rows import function_named, make_execution

pytestmark = pytest.mark.usefixtures("database")

MAIL = function_named("shop.defer.mail")
REPORT = function_named("shop.defer.report")


@pytest.mark.parametrize("rolls_back", [False, True], ids=["committed", "rolled back"])
def test_a_key_that_another_transaction_is_using_is_waited_for(rolls_back: bool, actors: Actors) -> None:
    one, another = actors(2)
    keyed = MAIL.options(key="invoice 7")
    with one.in_transaction(partial(keyed.enqueue, "one"), rolls_back=rolls_back) as first:
        calling = another.begin(partial(keyed.enqueue, "another"))
        wait_until_stuck(another, calling)
        assert not calling.done()
    second = calling.result()
    assert (second.id, Execution.objects.count()) == (first.id, 1)
    assert second.arguments_json == Execution.objects.get().arguments_json
    assert ("another" in second.arguments_json) == rolls_back


def test_of_many_calls_with_one_key_at_once_all_get_the_same_execution(actors: Actors, published: list[UUID]) -> None:
    crowd = actors(6)
    for round in range(5):
        keyed = MAIL.options(key=f"invoice {round}")
        calls = [partial(keyed.enqueue, number) for number in range(len(crowd))]
        executions = at_once(crowd, *calls)
        assert len({(each.id, each.arguments_json) for each in executions}) == 1
        assert published[round:] == [executions[0].id]
    assert Execution.objects.count() == 5


def children(parent: UUID, numbers: range) -> list[Execution]:
    return [
        Execution(id=child_id(parent, MAIL.name, str(number), 0), function=MAIL.name, due_at=now())
        for number in numbers
    ]


@pytest.mark.parametrize("rolls_back", [False, True], ids=["committed", "rolled back"])
def test_two_attempts_of_a_parent_that_make_its_children_in_opposite_orders_make_each_once(
    rolls_back: bool, actors: Actors
) -> None:
    """A worker that was taken for dead may still be at it."""
    one, another, holder = actors(3)
    parent = UUID(int=7)
    middle = sorted(children(parent, range(30)), key=lambda each: each.id)[15]
    with holder.in_transaction(partial(enqueue.write, [middle]), rolls_back=rolls_back):
        writing: list[tuple[Actor, Any]] = []
        for actor, order in ((one, 1), (another, -1)):
            ordered = sorted(children(parent, range(30)), key=lambda each: each.id)[::order]
            writing.append((actor, actor.begin(partial(enqueue.write, ordered))))
        for actor, done in writing:
            wait_until_stuck(actor, done)
    for _, done in writing:
        done.result()
    assert Execution.objects.count() == 30


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> BatchHook:
    """The hook of a batch that has ended."""
    monkeypatch.setattr(registry, "_functions", {REPORT.name: REPORT})
    batch = UUID(int=8)
    execution = make_execution(state=State.SUCCEEDED, batch=batch)
    id = child_id(batch, REPORT.name, "{}", 0)
    return BatchHook.objects.create(id=id, batch=batch, witness=execution.id, function=REPORT.name, arguments_json="{}")


@pytest.mark.parametrize("is_killed", [False, True], ids=["committed", "rolled back"])
def test_a_hook_that_another_one_is_firing_is_waited_for_and_fired_once(
    is_killed: bool, hook: BatchHook, actors: Actors
) -> None:
    one, another = actors(2)
    with one.in_transaction(hooks.fire, rolls_back=is_killed) as fired:
        firing = another.begin(hooks.fire)
        wait_until_stuck(another, firing)
        assert not firing.done()
    assert (fired, firing.result()) == (1, int(is_killed))
    assert Execution.objects.filter(id=hook.id).count() == 1
    assert not BatchHook.objects.exists()


def test_of_many_that_fire_the_hooks_of_ended_batches_at_once_one_enqueues_each(
    hook: BatchHook, actors: Actors, published: list[UUID]
) -> None:
    for number in range(8):
        BatchHook.objects.create(
            id=UUID(int=9 + number), batch=UUID(int=9 + number), function=REPORT.name, arguments_json="{}"
        )
    ids = set(BatchHook.objects.values_list("id", flat=True))
    assert sum(at_once(actors(3), hooks.fire, hooks.fire, partial(hooks.fire, ids | {hook.batch}))) == len(ids)
    assert sorted(published) == sorted(ids) == sorted(Execution.objects.filter(batch=None).values_list("id", flat=True))
    assert not BatchHook.objects.exists()


def test_a_hook_that_is_added_again_while_it_is_fired_is_not_fired_twice(hook: BatchHook, actors: Actors) -> None:
    one, another = actors(2)
    pause = Pause("DELETE", "deferapp_batchhook")
    firing = one.begin(hooks.fire, pause)
    with pause.reached_by(firing):
        again = BatchHook(
            id=hook.id, batch=hook.batch, witness=hook.witness, function=hook.function, arguments_json="{}"
        )
        adding = another.begin(lambda: BatchHook.objects.bulk_create([again], ignore_conflicts=True))
        wait_until_stuck(another, adding)
    adding.result()
    assert firing.result() == 1
    hooks.fire()
    assert Execution.objects.filter(id=hook.id).count() == 1
    assert not BatchHook.objects.exists()
