"""What has started and does not end."""

from __future__ import annotations

from typing import Any

import pytest

from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.health import running
from deferapp.models import Execution, Worker
from tests.unit.health.conftest import found, ids
from tests.unit.rows import MINUTE, SECOND, make_execution, make_worker

pytestmark = pytest.mark.django_db

NOTE = "tests.shop.defer.note"


def started(worker: Worker | None, minutes: float = 1, **fields: Any) -> Execution:
    moment = now() - minutes * MINUTE
    values = {"state": State.STARTED, "started_at": moment, "worker": worker}
    return make_execution(NOTE, **{**values, **fields})


def test_what_runs_in_a_living_worker_is_as_it_should_be(worker: Worker) -> None:
    started(worker)
    assert ids(running.has_a_living_worker) == ids(running.ends_in_time) == ids(running.is_aborted) == []


def test_what_dead_workers_hold_is_told_when_nobody_is_there_to_recover_it() -> None:
    held = started(make_worker(heartbeat_at=now() - MINUTE))
    [finding] = found(running.has_a_living_worker)
    assert finding.id == "D050"
    assert str(held.pk) in finding.what
    assert finding.remedy[0].endswith(" worker")


def test_while_workers_live_they_are_given_the_time_to_recover_it(worker: Worker) -> None:
    dead = make_worker(heartbeat_at=now() - 40 * SECOND)
    started(dead)
    assert ids(running.has_a_living_worker) == []
    Worker.objects.filter(pk=dead.pk).update(heartbeat_at=now() - 2 * MINUTE)
    [finding] = found(running.has_a_living_worker)
    assert finding.id == "D050"
    assert "Housekeeping" in finding.remedy[0]


def test_what_belongs_to_a_worker_that_is_on_the_list_no_more_is_told(worker: Worker) -> None:
    started(None, worker_id=10**6)
    assert ids(running.has_a_living_worker) == ["D050"]


def test_what_runs_on_long_after_its_time_is_told_with_its_process(worker: Worker) -> None:
    child = make_worker(supervisor=worker.process, process="4711:9", host="web7/boot/pid")
    started(child, minutes=30.5)
    assert ids(running.ends_in_time) == []
    started(child, minutes=32)
    [finding] = found(running.ends_in_time)
    assert finding.id == "D051"
    assert "On web7, end the process: kill -9 4711." in finding.remedy[0]


def test_what_is_aborted_while_the_doctor_waits_is_not_told(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = started(worker, state=State.ABORTING)
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        Execution.objects.filter(pk=execution.pk).update(state=State.ABORTED)

    monkeypatch.setattr("deferapp.health.running.time.sleep", pause)
    assert ids(running.is_aborted) == []
    assert len(pauses) == 1


def test_what_does_not_hear_that_it_is_aborted_is_told(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "ABORT_SECONDS", 0.0)
    execution = started(worker, state=State.ABORTING)
    [finding] = found(running.is_aborted)
    assert finding.id == "D052"
    assert str(execution.pk) in finding.what
    assert "kill -9" in finding.remedy[0]
