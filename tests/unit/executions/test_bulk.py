"""What is done to all that match: once to each, only to what was there, whoever dies meanwhile."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deferapp.clock import now
from deferapp.exceptions import SearchError
from deferapp.executions import bulk, life
from deferapp.executions.ids import new_id
from deferapp.executions.states import State
from deferapp.models import Attempt, BulkChange, Execution
from tests.unit.queue import MemoryQueue
from tests.unit.rows import make_execution

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queue")]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 10)


def make_many(count: int, state: str = State.FAILED, **fields: Any) -> list[UUID]:
    moment = now() - timedelta(minutes=1)
    values = {"function": "shop.defer.mail", "due_at": moment, "created_at": moment, **fields}
    if state != State.CREATED:
        values |= {"attempt": 1, "started_at": moment, "ended_at": None if state == State.STARTED else moment}
    return [each.pk for each in Execution.objects.bulk_create(Execution(state=state, **values) for _ in range(count))]


def begin(action: str, **filters: str) -> BulkChange:
    return bulk.start(bulk.planned(action, filters, id=new_id(), by="ada"))


def work() -> None:
    """Rounds of housekeeping until all is done: one is short, on a busy machine."""
    for _ in range(100):
        bulk.work()
        if not BulkChange.objects.filter(ended_at=None).exists():
            return
    raise AssertionError("it goes on and on")


def states() -> Counter[str]:
    return Counter(Execution.objects.values_list("state", flat=True))


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [("retry", "failed", "created"), ("cancel", "created", "cancelled"), ("abort", "started", "aborting")],
)
def test_all_that_match_are_moved_and_no_others(action: str, before: str, after: str) -> None:
    make_many(35, before)
    make_many(2, before, function="shop.defer.note")
    make_many(3, State.SUCCEEDED)
    change = begin(action, function="shop.defer.mail")
    assert change.matched == 35
    work()
    assert states() == {after: 35, before: 2, "succeeded": 3}
    change.refresh_from_db()
    assert (change.done, change.looked_at, change.ended_at is not None) == (35, 35, True)


def test_few_are_moved_at_once_and_many_are_left_to_housekeeping() -> None:
    make_many(10)
    assert begin("retry").ended_at is None  # It may be that there are more: a full chunk says nothing.
    assert states() == {"created": 10}
    make_many(11, function="shop.defer.note")
    begin("retry", function="shop.defer.note")
    assert states() == {"created": 10, "failed": 11}


def test_what_is_enqueued_or_fails_after_it_was_asked_for_is_left_alone() -> None:
    ids = make_many(25)
    change = begin("retry")
    later = now() + timedelta(seconds=1)
    make_execution(state=State.FAILED, created_at=later, ended_at=later)
    bulk._step(change.pk)
    moved = Execution.objects.filter(pk__in=ids, state=State.CREATED)
    assert moved.count() == 10
    moved.update(state=State.FAILED, ended_at=later)
    work()
    assert states() == {"failed": 11, "created": 15}
    change.refresh_from_db()
    assert change.done == 25


def test_what_has_moved_on_by_itself_is_left_alone() -> None:
    ids = make_many(25, State.CREATED)
    change = begin("cancel")
    Execution.objects.filter(pk__in=ids[:5]).update(state=State.STARTED)
    work()
    assert states() == {"started": 5, "cancelled": 20}
    change.refresh_from_db()
    assert change.done == 20


def test_a_crash_in_a_chunk_takes_it_back_as_a_whole_and_the_next_round_does_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_many(25)
    change = begin("retry")
    retried = life.retry

    def die(*ids: UUID) -> int:
        retried(*ids)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(life, "retry", die)
        with pytest.raises(SystemExit):
            bulk.work()
    change.refresh_from_db()
    assert (states(), change.looked_at, change.place) == ({"failed": 25}, 0, "")
    work()
    change.refresh_from_db()
    assert (states(), change.done, change.looked_at) == ({"created": 25}, 25, 25)


def test_who_asks_twice_asks_once() -> None:
    make_many(25)
    change = bulk.planned("retry", {}, id=new_id(), by="ada")
    first = bulk.start(change)
    second = bulk.start(bulk.planned("cancel", {"state": "failed"}, id=change.pk, by="eve"))
    assert (first.pk, second.action, second.created_by) == (second.pk, "retry", "ada")
    assert BulkChange.objects.count() == 1


def test_many_at_the_same_moment_are_each_met_once() -> None:
    moment = now() - timedelta(hours=1)
    make_many(95, created_at=moment)
    change = begin("retry")
    work()
    change.refresh_from_db()
    assert (change.done, change.looked_at) == (95, 95)


def test_several_changes_go_on_in_turn() -> None:
    make_many(25)
    make_many(25, State.CREATED, function="shop.defer.note")
    begin("retry"), begin("cancel", function="shop.defer.note")
    work()
    assert states() == {"created": 25, "cancelled": 25}
    assert not BulkChange.objects.filter(ended_at=None).exists()


def test_a_chunk_takes_a_fixed_number_of_statements_and_reads_no_values() -> None:
    make_many(30)
    change = begin("retry")
    with CaptureQueriesContext(connection) as captured:
        bulk._step(change.pk)
    assert len(captured) <= 8
    assert not any("arguments_json" in query["sql"] for query in captured.captured_queries)


def test_a_duration_in_a_search_counts_from_when_it_was_asked_for() -> None:
    make_many(25, created_at=now() - timedelta(hours=3))
    Execution.objects.update(ended_at=now() - timedelta(hours=2))
    change = begin("retry", q="since:2h")
    assert change.matched == 0
    change = begin("retry", q="since:4h")
    BulkChange.objects.filter(pk=change.pk).update(created_at=now() - timedelta(minutes=30))
    work()
    assert states() == {"created": 25}


def test_a_group_of_errors_is_retried() -> None:
    same, other = make_many(12), make_many(3)
    moment = now()
    Attempt.objects.bulk_create(
        Attempt(execution_id=id, number=1, outcome="failed", started_at=moment, ended_at=moment, error_key=key)
        for ids, key in ((same, "k1"), (other, "k2"))
        for id in ids
    )
    begin("retry", error="k1")
    work()
    assert states() == {"created": 12, "failed": 3}


def test_a_parameter_that_is_none_selects_nothing_and_a_search_that_is_none_is_refused() -> None:
    make_many(3)
    assert begin("retry", stat="failed").matched == 0
    assert begin("retry", parent="nonsense").matched == 0
    with pytest.raises(SearchError, match="stat:failed"):
        bulk.planned("retry", {"q": "stat:failed"}, id=new_id(), by="ada")
    assert states() == {"failed": 3}


def test_what_is_retried_is_published(queue: MemoryQueue, django_capture_on_commit_callbacks: Any) -> None:
    ids = make_many(25)
    with django_capture_on_commit_callbacks(execute=True):
        begin("retry")
        work()
    assert {id for message in queue.take() for id in message.ids} == set(ids)


def test_changes_that_ended_are_kept_as_long_as_failed_executions_are() -> None:
    for number, ended_days_ago in enumerate([91, 89, None]):
        ended_at = None if ended_days_ago is None else now() - timedelta(days=ended_days_ago)
        BulkChange.objects.create(action="retry", matched=number, ended_at=ended_at)
    assert bulk.prune() == 1
    assert set(BulkChange.objects.values_list("matched", flat=True)) == {1, 2}
