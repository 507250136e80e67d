"""What is enqueued leaves when its transaction commits, together, and not at all when it is rolled back."""

from __future__ import annotations

import contextlib

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.test import override_settings

from deferapp import defer
from deferapp.models import Execution
from tests.unit.queue import MemoryQueue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_registry")]

NAME = __name__


def mail(number: int) -> None: ...


def bill(number: int) -> None: ...


class Rollback(Exception):
    pass


@contextlib.contextmanager
def rolled_back():
    with contextlib.suppress(Rollback), transaction.atomic():
        yield
        raise Rollback


def test_outside_of_a_transaction_a_call_leaves_at_once(queue: MemoryQueue) -> None:
    execution = defer(mail)(1)
    (message,) = queue.take()
    assert (message.task, message.ids) == (f"{NAME}.mail", [execution.pk])


def test_in_a_transaction_a_call_leaves_when_it_commits(queue: MemoryQueue) -> None:
    with transaction.atomic():
        execution = defer(mail)(1)
        assert queue.take() == []
    (message,) = queue.take()
    assert message.ids == [execution.pk]


def test_what_is_rolled_back_is_neither_in_the_ledger_nor_in_the_queue(queue: MemoryQueue) -> None:
    with rolled_back():
        defer(mail)(1)
        defer(mail).map(range(10))
    assert queue.take() == []
    assert not Execution.objects.exists()


@override_settings(DEFER={"LIST_SIZE": 100})
def test_the_calls_of_a_transaction_leave_in_few_messages(queue: MemoryQueue) -> None:
    with transaction.atomic():
        mails = [defer(mail)(number).pk for number in range(64)]
        bills = [defer(bill)(number).pk for number in range(2)]
    messages = queue.take()
    assert [len(message.ids) for message in messages] == [4] * 16 + [1] * 2
    assert [each for message in messages[:16] for each in message.ids] == mails
    assert [each for message in messages[16:] for each in message.ids] == bills


def test_what_stands_under_a_savepoint_that_is_rolled_back_does_not_leave(queue: MemoryQueue) -> None:
    function = defer(mail)
    with transaction.atomic():
        before = function(1)
        with rolled_back():
            function(2)
            with transaction.atomic():
                function(3)
        with transaction.atomic():
            kept = function(4)
        after = function(5)
    left = [each for message in queue.take() for each in message.ids]
    assert sorted(left) == sorted(execution.pk for execution in (before, kept, after))
    assert set(left) == set(Execution.objects.values_list("pk", flat=True))


def test_a_savepoint_inside_one_that_is_rolled_back_goes_with_it(queue: MemoryQueue) -> None:
    with transaction.atomic():
        with rolled_back():
            with transaction.atomic():
                defer(mail)(1)
            defer(mail)(2)
        kept = defer(mail)(3)
    assert [message.ids for message in queue.take()] == [[kept.pk]]


def test_the_calls_around_a_savepoint_leave_in_messages_of_their_own_group(queue: MemoryQueue) -> None:
    with transaction.atomic():
        outer = defer(mail)(1)
        for number in range(20):
            with transaction.atomic():
                defer(mail)(number)
    messages = queue.take()
    assert sorted(each for message in messages for each in message.ids) == sorted(
        Execution.objects.values_list("pk", flat=True)
    )
    assert outer.pk in messages[0].ids


def test_async_code_enqueues_outside_of_transactions(queue: MemoryQueue) -> None:
    execution = async_to_sync(defer(mail).aenqueue)(1)
    assert [message.ids for message in queue.take()] == [[execution.pk]]


def test_a_list_is_split_so_that_many_processes_have_work(queue: MemoryQueue) -> None:
    ids = list(defer(mail).map(range(400)))
    messages = queue.take()
    assert [len(message.ids) for message in messages] == [25] * 16
    assert [each for message in messages for each in message.ids] == ids


@override_settings(DEFER={"LIST_SIZE": 7})
def test_no_message_names_more_than_list_size(queue: MemoryQueue) -> None:
    defer(mail).map(range(160))
    assert [len(message.ids) for message in queue.take()] == [7] * 22 + [6]


def test_without_a_worker_in_this_process_nothing_is_left_in_memory(fresh_broker: object) -> None:
    queue = MemoryQueue()
    queue.take()  # what other tests have left
    execution = defer(mail)(1)
    row = Execution.objects.get(pk=execution.pk)
    assert row.dispatch_at == row.due_at
    assert queue.take() == []
