"""An end to the children that have not ended."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync

from deferapp.executions import children, life
from deferapp.executions.states import State
from deferapp.models import Execution
from tests.unit.children.ends import make_children, one_of_each, start, states_of
from tests.unit.rows import make_execution, values_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def parent() -> Execution:
    return make_execution("shop.defer.all")


def test_children_that_wait_are_cancelled_and_others_left_alone(parent: Execution) -> None:
    child = one_of_each(parent)
    (foreign,) = make_children(make_execution("shop.defer.all"), 1)
    others = {state: values_of(Execution(pk=id)) for state, id in child.items() if state != State.CREATED}
    assert parent.cancel_children() == 1
    cancelled = Execution.objects.get(pk=child[State.CREATED])
    assert (cancelled.state, cancelled.dispatch_at) == (State.CANCELLED, None)
    assert cancelled.ended_at is not None
    assert {state: values_of(Execution(pk=child[state])) for state in others} == others
    assert Execution.objects.get(pk=foreign).state == State.CREATED


def test_with_force_those_that_run_are_aborted(parent: Execution) -> None:
    child = one_of_each(parent)
    assert parent.cancel_children(force=True) == 2
    assert Execution.objects.get(pk=child[State.STARTED]).state == State.ABORTING
    assert Execution.objects.get(pk=child[State.CREATED]).state == State.CANCELLED
    assert parent.cancel_children(force=True) == 0


def test_more_than_a_chunk_is_cancelled(parent: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "CHUNK", 3)
    ids = make_children(parent, 13)
    start(ids[:5])
    assert parent.cancel_children() == 8
    assert parent.cancel_children(force=True) == 5
    assert states_of(parent) == [State.ABORTING] * 5 + [State.CANCELLED] * 8


def test_the_number_is_the_same_from_async_code(parent: Execution) -> None:
    start(make_children(parent, 3)[:1])
    assert async_to_sync(parent.acancel_children)() == 2
    assert async_to_sync(parent.acancel_children)(force=True) == 1


def test_a_parent_without_children_has_none_to_cancel(parent: Execution) -> None:
    assert parent.cancel_children(force=True) == 0


def test_a_child_that_comes_back_from_a_worker_meanwhile_is_cancelled_too(
    parent: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, _waiting = make_children(parent, 2)
    (held,) = start([running])
    cancel = life.cancel

    def cancel_and_give_back(*ids: object) -> int:
        monkeypatch.setattr(life, "cancel", cancel)
        cancelled = cancel(*ids)
        life.give_back([held])
        return cancelled

    monkeypatch.setattr(life, "cancel", cancel_and_give_back)
    assert parent.cancel_children() == 2
    assert states_of(parent) == [State.CANCELLED] * 2


def test_a_parent_that_goes_on_enqueueing_is_not_run_after(parent: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    make_children(parent, 1)
    cancel = life.cancel

    def cancel_and_enqueue(*ids: object) -> int:
        cancelled = cancel(*ids)
        make_children(parent, 1)
        return cancelled

    monkeypatch.setattr(life, "cancel", cancel_and_enqueue)
    assert parent.cancel_children() == 1
    assert states_of(parent) == [State.CANCELLED, State.CREATED]
