"""Failed children run again, as the executions that they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from deferapp import conf, defer, signals
from deferapp.clock import now
from deferapp.executions import children, life
from deferapp.executions.current import running
from deferapp.executions.endings import past
from deferapp.executions.endings.retry import Past
from deferapp.executions.states import State
from deferapp.models import Execution
from tests.unit.children.ends import attempt_of, fail, make_children, one_of_each, states_of, succeed
from tests.unit.queue import MemoryQueue
from tests.unit.retry.running import run_attempt
from tests.unit.rows import make_execution, values_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_registry")]


def refuse(number: int) -> None:
    raise ValueError(number)


@pytest.fixture(autouse=True)
def parent(queue: MemoryQueue) -> Execution:
    return make_execution("shop.defer.all")


def test_only_failed_children_go_back_and_the_number_of_them_is_returned(parent: Execution) -> None:
    child = one_of_each(parent)
    fail(make_children(make_execution("shop.defer.all"), 1))
    others = {state: values_of(Execution(pk=id)) for state, id in child.items() if state != State.FAILED}
    assert parent.retry_failed_children() == 1
    assert Execution.objects.get(pk=child[State.FAILED]).state == State.CREATED
    assert {state: values_of(Execution(pk=child[state])) for state in others} == others
    assert Execution.objects.filter(state=State.FAILED).count() == 1


def test_a_child_is_due_at_once_has_not_ended_and_keeps_its_attempts(parent: Execution) -> None:
    (id,) = make_children(parent, 1)
    fail([id])
    before = now()
    parent.retry_failed_children()
    child = Execution.objects.get(pk=id)
    assert before <= child.due_at <= now()
    assert child.dispatch_at == child.due_at + conf.republish_after()
    assert (child.ended_at, child.attempt, child.attempts.count()) == (None, 1, 1)
    succeed([id])
    assert list(child.attempts.values_list("number", "outcome")) == [(1, "failed"), (2, "succeeded")]


def test_children_are_published_by_their_functions(
    parent: Execution, queue: MemoryQueue, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    mails, notes = make_children(parent, 3), make_children(parent, 2, "shop.defer.note")
    fail(mails)
    fail(notes)
    with django_capture_on_commit_callbacks(execute=True):
        assert parent.retry_failed_children() == 5
    messages = queue.take()
    published = {name: {id for each in messages if each.task == name for id in each.ids} for name in NAMES}
    assert published == {"shop.defer.mail": set(mails), "shop.defer.note": set(notes)}


NAMES = ("shop.defer.mail", "shop.defer.note")


def test_more_than_a_chunk_goes_back_each_once(parent: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "CHUNK", 3)
    ids = make_children(parent, 11)
    Execution.objects.filter(pk__in=ids[:7]).update(created_at=now())
    fail(ids)
    assert parent.retry_failed_children() == 11
    assert states_of(parent) == [State.CREATED] * 11


def test_what_is_rolled_back_leaves_them_failed_and_publishes_nothing(parent: Execution, queue: MemoryQueue) -> None:
    fail(make_children(parent, 2))
    with transaction.atomic():
        assert parent.retry_failed_children() == 2
        transaction.set_rollback(True)
    assert (states_of(parent), len(queue)) == ([State.FAILED] * 2, 0)


def test_the_number_is_the_same_from_async_code(parent: Execution) -> None:
    fail(make_children(parent, 2))
    assert async_to_sync(parent.aretry_failed_children)() == 2
    assert async_to_sync(parent.aretry_failed_children)() == 0


def test_they_stay_the_children_that_the_next_attempt_of_the_parent_meets(parent: Execution) -> None:
    function = defer(refuse, retry=0)
    with running(attempt_of(parent)):
        ids = list(function.map([1, 2]))
    fail(ids)
    parent.retry_failed_children()
    with running(attempt_of(parent, 2)):
        assert list(function.map([1, 2])) == ids
    assert parent.progress().total == 2


def test_the_retry_policy_counts_anew(parent: Execution) -> None:
    function = defer(refuse, retry=2)
    with running(attempt_of(parent)):
        child = function.enqueue(1)
    for attempts in (3, 6, 9):
        while (child := run_attempt(function, child)).state == State.CREATED:
            pass
        assert child.attempt == attempts
        assert parent.retry_failed_children() == 1


def test_only_attempts_since_the_last_that_was_to_be_are_past(parent: Execution) -> None:
    (id,) = make_children(parent, 1)
    child = Execution.objects.get(pk=id)
    failed = {"execution": child, "outcome": "failed", "started_at": now(), "error_code": "ER0003"}
    end, minute = now(), timedelta(minutes=1)
    for number, retry_at in enumerate((end, None, end, None, end, end), start=1):
        child.attempts.create(number=number, ended_at=end + number * minute, retry_at=retry_at, **failed)
    child.attempt = 7
    assert past.of(child) == Past(counted=2, counted_at=end + 6 * minute)


def test_a_child_that_is_let_run_again_is_told_as_retried(
    parent: Execution, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    heard: list[Execution] = []

    def hear(sender: Any, execution: Execution, **_named: Any) -> None:
        heard.append(execution)

    (id,) = make_children(parent, 1)
    fail([id])
    signals.retried.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            parent.retry_failed_children()
    finally:
        signals.retried.disconnect(hear)
    assert [(each.pk, each.state) for each in heard] == [(id, State.CREATED)]


def test_only_what_has_failed_can_be_retried_by_life(parent: Execution) -> None:
    (id,) = make_children(parent, 1)
    assert life.retry(id) == 0
