"""Publishing what waits and has no message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from deferapp import conf, defer
from deferapp.clock import now
from deferapp.dispatch import overdue
from deferapp.dispatch.broker import Broker
from deferapp.executions.states import State
from deferapp.models import Execution
from tests.unit.queue import MemoryQueue
from tests.unit.rows import MINUTE, SECOND, make_execution, values_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_registry", "queue")]

NAME = f"{__name__}.mail"


def mail(number: int) -> None: ...


@pytest.fixture(autouse=True)
def declared(empty_registry: None) -> None:
    defer(mail)


def unpublished(**fields: Any) -> Execution:
    due_at = fields.pop("due_at", now() - SECOND)
    return make_execution(NAME, due_at=due_at, dispatch_at=due_at, **fields)


def lost(**fields: Any) -> Execution:
    """One whose message was sent long ago."""
    return make_execution(NAME, due_at=now() - MINUTE, dispatch_at=now() - SECOND, **fields)


def ids_in(queue: MemoryQueue) -> list[Any]:
    return [each for message in queue.take() for each in message.ids]


def test_what_was_not_published_is_published_and_looked_at_again_later(queue: MemoryQueue) -> None:
    execution, before = unpublished(), now()
    assert overdue.publish() == 1
    (message,) = queue.take()
    assert (message.task, message.ids) == (NAME, [execution.pk])
    assert before + conf.republish_after() <= values_of(execution)["dispatch_at"] <= now() + conf.republish_after()
    assert overdue.publish() == 0
    assert len(queue) == 0


def test_a_delay_that_is_over_and_a_retry_that_is_due_are_published_and_no_other(queue: MemoryQueue) -> None:
    due = [unpublished(due_at=now() - timedelta(hours=hours)) for hours in (2, 1)]
    unpublished(due_at=now() + MINUTE)
    assert overdue.publish() == 2
    assert ids_in(queue) == [execution.pk for execution in due]


def test_what_died_with_its_worker_is_published_alone_lest_it_takes_others_with_it_again(queue: MemoryQueue) -> None:
    fresh = [unpublished() for _ in range(32)]
    suspects = [unpublished(attempt=1, error_code=code) for code in ("ER0004", "ER0002")]
    unpublished(attempt=1, error_code="ER0003")
    assert overdue.publish() == 35
    lists = [message.ids for message in queue.take()]
    assert lists[0] == [each.pk for each in fresh[:2]]
    assert lists[-2:] == [[each.pk] for each in suspects]


def test_the_oldest_leave_first_and_a_round_has_an_end(queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overdue, "MOST_A_ROUND", 3)
    executions = [unpublished(due_at=now() - number * MINUTE) for number in (1, 5, 3, 2, 4)]
    by_age = sorted(executions, key=lambda execution: execution.due_at)
    assert [overdue.publish(), overdue.publish(), overdue.publish()] == [3, 2, 0]
    assert ids_in(queue) == [execution.pk for execution in by_age]


@pytest.mark.parametrize("state", [state for state in State if state != State.CREATED])
def test_what_does_not_wait_is_not_published(state: State, queue: MemoryQueue) -> None:
    unpublished(state=state)
    assert overdue.publish() == 0
    assert queue.take() == []


def test_executions_of_a_function_that_is_gone_are_held_and_looked_at_again_later(queue: MemoryQueue) -> None:
    moment = now() - SECOND
    held = make_execution("shop.defer.gone", due_at=moment, dispatch_at=moment)
    assert overdue.publish() == 0
    assert queue.take() == []
    after = values_of(held)
    assert (after["state"], after["due_at"]) == (State.CREATED, moment)
    assert after["dispatch_at"] > now()


def test_those_of_a_function_that_is_gone_do_not_stand_in_the_way(
    queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "MOST_A_ROUND", 2)
    for _ in range(3):
        make_execution("shop.defer.gone", due_at=now() - MINUTE, dispatch_at=now() - MINUTE)
    execution = unpublished()
    overdue.publish()
    overdue.publish()
    assert ids_in(queue) == [execution.pk]


def test_what_nobody_claimed_is_published_again_when_the_queue_is_empty(queue: MemoryQueue) -> None:
    execution = lost()
    assert overdue.publish() == 1
    assert ids_in(queue) == [execution.pk]


@pytest.mark.parametrize(("waiting", "published"), [(overdue.NEARLY_EMPTY, 1), (overdue.NEARLY_EMPTY + 1, 0)])
def test_nothing_is_published_again_while_messages_wait(waiting: int, published: int, queue: MemoryQueue) -> None:
    execution = lost()
    queue.put(waiting)
    assert overdue.publish() == published
    assert len(queue) == waiting + published
    assert (values_of(execution)["dispatch_at"] > now()) == bool(published)


@pytest.mark.parametrize(("due_ago", "published"), [(2 * SECOND, 0), (SECOND / 2, 1)])
def test_what_was_overtaken_by_later_work_is_published_again_however_many_messages_wait(
    due_ago: timedelta, published: int, queue: MemoryQueue
) -> None:
    execution = lost()
    make_execution(NAME, state=State.STARTED, due_at=now() - due_ago)
    make_execution("shop.defer.other", state=State.STARTED, due_at=now())
    queue.put(50)
    assert overdue.publish() == published
    assert ids_in(queue) == [execution.pk] * published


def test_what_waits_in_a_long_queue_is_not_written(queue: MemoryQueue) -> None:
    executions = [lost() for _ in range(3)]
    before = [values_of(execution) for execution in executions]
    queue.put(50)
    overdue.publish()
    assert [values_of(execution) for execution in executions] == before


def test_what_was_never_published_leaves_however_many_messages_wait(queue: MemoryQueue) -> None:
    unpublished()
    queue.put(50)
    assert overdue.publish() == 1
    assert len(queue) == 51


def test_a_queue_that_nobody_reads_does_not_grow(queue: MemoryQueue) -> None:
    for _ in range(3):
        unpublished()
    for _ in range(20):
        overdue.publish()
        Execution.objects.update(dispatch_at=now() - SECOND)
    assert len(queue) == 3


def test_with_the_broker_away_everything_stays_as_it_is(use_broker: Callable[[str], None]) -> None:
    execution, again = unpublished(), lost()
    before = values_of(execution)
    use_broker("redis://127.0.0.1:1/0")
    assert overdue.publish() == 0
    assert values_of(execution) == before
    assert values_of(again)["state"] == State.CREATED


def test_what_is_claimed_while_it_is_published_is_left_alone(
    queue: MemoryQueue, fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution, retry_at = unpublished(), now() + MINUTE

    def fail_at_once(*_message: Any, **_options: Any) -> bool:
        Execution.objects.update(attempt=1, due_at=retry_at, dispatch_at=retry_at)
        return True

    monkeypatch.setattr(fresh_broker, "send", fail_at_once)
    overdue.publish()
    assert values_of(execution)["dispatch_at"] == retry_at
