"""What was seen is written by a thread, so that no task waits for the ledger."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from deferapp.clock import now
from deferapp.models import ErrorGroup, ObservedFailure, Tally, TallyEntry
from deferapp.observe import prune, write
from deferapp.observe.write import Seen, Writer
from deferapp.tallies import fold
from deferapp.tallies.ends import End
from tests.waiting import wait_until

TASK = "celery:shop.tasks.mail"
KEY = "a" * 16


def seen(outcome: str = "succeeded", **fields: Any) -> Seen:
    """The end of a run."""
    run = uuid4()
    key = KEY if outcome in {"failed", "retried"} else ""
    end = End(
        **{
            "function": TASK,
            "outcome": outcome,
            "ended_at": now(),
            "execution_id": run,
            "number": 1,
            "duration": timedelta(seconds=2),
            "error_key": key,
            **fields,
        }
    )
    if not key:
        return Seen(end=end, failure=None)
    said = {"error_type": "ValueError", "error_message": "negative\nmore", "place": "shop.tasks:mail", "error_key": KEY}
    row = ObservedFailure(function=end.function, task_id=str(run), run=run, number=1, ended_at=end.ended_at, **said)
    return Seen(end=end, failure=row)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[list[Seen]]:
    """What is written, a list each time; without a wait."""
    heard: list[list[Seen]] = []
    monkeypatch.setattr(write, "write", heard.append)
    monkeypatch.setattr(write, "INTERVAL", 0.05)
    monkeypatch.setattr(write, "PATIENCE", 0.05)
    return heard


def flat(written: list[list[Seen]]) -> list[Seen]:
    return [each for together in written for each in together]


@pytest.mark.django_db
def test_ends_are_counted_and_failures_are_known_as_those_of_functions_are() -> None:
    write.write([seen(), seen(), seen("failed")])
    assert fold.fold() == 3
    assert not TallyEntry.objects.exists()
    counts = dict(Tally.objects.filter(span="day", function=TASK).values_list("outcome", "count"))
    assert counts == {"succeeded": 2, "failed": 1}
    group = ErrorGroup.objects.get()
    assert (group.function, group.error_type, group.place, group.message) == (
        TASK,
        "ValueError",
        "shop.tasks:mail",
        "negative",
    )


@pytest.mark.django_db
def test_what_is_counted_of_all_functions_together_leaves_tasks_out() -> None:
    write.write([seen()])
    fold.fold()
    assert not Tally.objects.filter(function="").exists()


@pytest.mark.django_db
def test_of_a_storm_of_failures_all_are_counted_and_a_few_are_kept() -> None:
    write.write([seen("failed") for _ in range(30)] + [seen("failed", function="celery:shop.tasks.other")])
    assert TallyEntry.objects.count() == 31
    assert ObservedFailure.objects.count() == write.FAILURES_AT_ONCE + 1


@pytest.mark.django_db
def test_of_each_task_the_latest_failures_are_kept_and_none_that_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "KEPT", 3)
    for function in (TASK, "celery:shop.tasks.other"):
        for _ in range(5):
            write.write([seen("failed", function=function)])
    old = ObservedFailure.objects.latest("id")
    ObservedFailure.objects.filter(pk=old.pk).update(ended_at=now() - timedelta(days=91))
    before = set(ObservedFailure.objects.filter(function=TASK).values_list("id", flat=True)[:3])
    prune.prune()
    assert set(ObservedFailure.objects.filter(function=TASK).values_list("id", flat=True)) == before
    assert ObservedFailure.objects.exclude(function=TASK).count() == 2


def test_ends_are_written_together_in_a_thread_that_ends_when_there_are_no_more(written: list[list[Seen]]) -> None:
    writer = Writer()
    ends = [seen() for _ in range(3)]
    for each in ends:
        writer.add(each)
    wait_until(lambda: flat(written) == ends, 30, "all are written")
    assert len(written) < 3
    wait_until(lambda: writer._thread is None, 30, "the thread has ended")
    writer.add(ends[0])
    wait_until(lambda: len(flat(written)) == 4, 30, "another thread writes")


def test_what_cannot_be_written_is_kept_in_its_order_and_the_oldest_are_left_out(
    written: list[list[Seen]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    is_away = threading.Event()
    is_away.set()
    tried = threading.Event()

    def fail(taken: list[Seen]) -> None:
        if is_away.is_set():
            tried.set()
            raise OperationalError
        written.append(taken)

    monkeypatch.setattr(write, "write", fail)
    monkeypatch.setattr(write, "MOST", 4)
    writer = Writer()
    ends = [seen() for _ in range(6)]
    for each in ends:
        writer.add(each)
    assert tried.wait(30)
    is_away.clear()
    wait_until(lambda: flat(written) == ends[2:], 30, "the latest are written")
    wait_until(lambda: "2 ends of observed tasks are not counted" in caplog.text, 30, "it is said")


def test_a_process_that_ends_writes_at_once_what_it_has(
    written: list[list[Seen]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "INTERVAL", 60.0)
    monkeypatch.setattr(write, "PATIENCE", 60.0)
    monkeypatch.setattr(write, "LAST_SECONDS", 30.0)
    writer = Writer()
    end = seen()
    writer.add(end)
    writer.finish()
    assert written == [[end]]


def test_a_process_that_ends_does_not_wait_for_a_ledger_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_taken: list[Seen]) -> None:
        raise OperationalError

    monkeypatch.setattr(write, "write", fail)
    monkeypatch.setattr(write, "LAST_SECONDS", 30.0)
    writer = Writer()
    writer.add(seen())
    thread = writer._thread
    writer.finish()
    assert thread is not None
    assert not thread.is_alive()


def test_a_child_that_is_forked_begins_anew(written: list[list[Seen]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "INTERVAL", 60.0)
    writer = Writer()
    writer.add(seen())
    parent = writer._thread
    with writer._lock:
        writer.renew()  # As after the fork: a thread of the parent may have had the lock.
    assert (len(writer._waiting), writer._thread) == (0, None)
    writer.add(seen())
    assert writer._thread not in (None, parent)
    writer.finish()
