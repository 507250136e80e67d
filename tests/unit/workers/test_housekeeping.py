"""Rounds of housekeeping: a chore that fails does not keep the others from being done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError

from deferapp.clock import now
from deferapp.executions.endings import failure
from deferapp.executions.endings.failure import Failure
from deferapp.models import Housekeeping, Schedule, Worker
from deferapp.workers import housekeeping, persist, presence
from deferapp.workers.children import Children
from tests.unit.rows import make_worker
from tests.waiting import wait_until

LIMIT_SECONDS = 20.0


def _done(chore: str, done: list[str], *_args: object, **_options: object) -> bool:
    done.append(chore)
    return True


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, db: None) -> list[str]:
    """The chores that have been done, in order; this worker keeps house, and no chore does anything real."""
    done: list[str] = []
    monkeypatch.setattr(presence, "_node", None)
    monkeypatch.setattr(presence, "_mine", None)
    monkeypatch.setattr(presence, "keeps_house", lambda worker: True)
    monkeypatch.setattr(persist, "drop_connections", partial(_done, "drop connections", done))
    monkeypatch.setattr(housekeeping.presence, "gone", list)
    for owner, chore in CHORES:
        monkeypatch.setattr(owner, chore, partial(_done, chore, done))
    return done


CHORES = [
    (housekeeping.sync, "sync"),
    (housekeeping.tick, "tick"),
    (housekeeping.overdue, "publish"),
    (housekeeping.fold, "fold"),
]


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    return fail


def test_a_round_beats_syncs_the_first_time_and_does_the_chores(done: list[str]) -> None:
    keeper = housekeeping.Housekeeper()
    keeper.round()
    assert done == ["sync", "tick", "publish", "fold"]
    assert Worker.objects.get().pk == presence.current().pk
    keeper.round()
    assert done == ["sync", "tick", "publish", "fold", "tick", "publish", "fold"]


def test_a_worker_that_does_not_keep_house_fires_what_is_due_and_does_no_other_chore(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "keeps_house", lambda worker: False)
    housekeeping.Housekeeper().round()
    assert done == ["sync", "tick"]
    assert Worker.objects.exists()


@pytest.mark.parametrize(("owner", "chore"), CHORES, ids=[chore for _, chore in CHORES])
@pytest.mark.parametrize("error", [ValueError("broken"), OperationalError("away")], ids=["broken", "away"])
def test_a_chore_that_fails_is_logged_and_the_others_are_done(
    done: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: Any,
    chore: str,
    error: Exception,
) -> None:
    monkeypatch.setattr(owner, chore, failing(error))
    keeper = housekeeping.Housekeeper()
    with caplog.at_level(logging.WARNING):
        keeper.round()
    assert "Housekeeping" in caplog.text
    assert str(error) in caplog.text
    assert [each for each in done if each != "drop connections"] == [each for _, each in CHORES if each != chore]
    assert ("drop connections" in done) is isinstance(error, OperationalError)


def test_a_sync_that_failed_is_made_again_in_the_next_round(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = housekeeping.Housekeeper()
    with monkeypatch.context() as patched:
        patched.setattr(housekeeping.sync, "sync", failing(ValueError("broken")))
        keeper.round()
    keeper.round()
    keeper.round()
    assert done.count("sync") == 1


def test_a_sync_that_left_something_is_made_again_when_the_schedules_have_fired(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = iter([False, True])

    def leave_something(**_options: object) -> bool:
        done.append("sync")
        return next(outcomes)

    monkeypatch.setattr(housekeeping.sync, "sync", leave_something)
    keeper = housekeeping.Housekeeper()
    for _ in range(3):
        keeper.round()
    each = ["tick", "publish", "fold"]
    assert done == ["sync", *each, "sync", *each, *each]


def schedule_due_at(moment: datetime) -> None:
    Schedule.objects.update_or_create(
        function="shop.defer.nightly",
        defaults={"declared_frequency": "@daily", "frequency": "@daily", "next_due_at": moment},
    )


@pytest.mark.parametrize(("ahead", "pause"), [(0.3, 0.3), (40, 1.0), (-40, 1.0)])
def test_the_next_round_is_made_when_a_schedule_is_due_and_within_a_second(
    done: list[str], ahead: float, pause: float
) -> None:
    Schedule.objects.all().delete()
    keeper = housekeeping.Housekeeper()
    schedule_due_at(now() + timedelta(seconds=ahead))
    keeper.round()
    assert pause - 0.3 <= keeper._pause() <= pause


def test_after_a_tick_that_failed_the_next_round_does_not_come_at_once(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = housekeeping.Housekeeper()
    schedule_due_at(now() + timedelta(seconds=0.5))
    keeper.round()
    monkeypatch.setattr(housekeeping.tick, "tick", failing(OperationalError("away")))
    keeper.round()
    assert keeper._pause() == housekeeping.INTERVAL


def test_a_child_that_cannot_be_recovered_for_keeps_nothing_else_from_being_done(
    done: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, good = make_worker(), make_worker()
    monkeypatch.setattr(Children, "dead", lambda _self: [(broken, failure.LOST), (good, failure.LOST)])

    def recover(worker: Worker, why: Failure) -> None:
        if worker == broken:
            raise ValueError("cannot be recovered for")
        done.append("recover")

    monkeypatch.setattr(housekeeping, "recover", recover)
    with caplog.at_level(logging.ERROR):
        housekeeping.Housekeeper().round()
    assert done == ["recover", "sync", "tick", "publish", "fold"]
    assert "cannot be recovered for" in caplog.text


def test_for_the_dead_is_recovered_one_by_one(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    broken, good = make_worker(), make_worker()
    monkeypatch.setattr(presence, "gone", lambda: [broken, good])

    def recover(worker: Worker) -> None:
        if worker == broken:
            raise ValueError("cannot be recovered for")
        done.append("recover")

    monkeypatch.setattr(housekeeping, "recover", recover)
    housekeeping.Housekeeper().round()
    assert done.index("recover") < done.index("publish"), "what is recovered is published in the same round"


@pytest.mark.django_db(transaction=True)
def test_the_thread_goes_on_after_failures_and_leaves_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []

    def fail(self: housekeeping.Housekeeper) -> None:
        rounds.append(1)
        raise ValueError("broken")

    monkeypatch.setattr(presence, "_node", None)
    monkeypatch.setattr(presence, "_mine", None)
    monkeypatch.setattr(housekeeping, "INTERVAL", 0.01)
    monkeypatch.setattr(housekeeping.Housekeeper, "round", fail)
    keeper = housekeeping.Housekeeper()
    keeper.start()
    wait_until(lambda: len(rounds) > 2, LIMIT_SECONDS, "three rounds")
    keeper.stop()
    keeper.join(LIMIT_SECONDS)
    assert not keeper.is_alive()
    assert not Worker.objects.exists()
    assert not Housekeeping.objects.filter(worker__isnull=False).exists()
