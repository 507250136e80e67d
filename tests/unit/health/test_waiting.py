"""What waits, for how long, and what for."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from deferapp.clock import now
from deferapp.executions import pauses
from deferapp.executions.states import State
from deferapp.health import scene, waiting
from deferapp.health.finding import Severity
from deferapp.models import Attempt, Execution, Worker
from tests.unit.health.conftest import found, ids
from tests.unit.rows import MINUTE, SECOND, make_execution, make_worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]

NOTE = "tests.shop.defer.note"
ONE_AT_A_TIME = "tests.shop.defer.one_at_a_time"


def late(function: str = NOTE, minutes: float = 10, **fields: Any) -> Execution:
    moment = now() - minutes * MINUTE
    return make_execution(function, **{"created_at": moment, "due_at": moment, **fields})


def running(function: str, minutes: float, **fields: Any) -> Execution:
    values = {"state": State.STARTED, "started_at": now() - minutes * MINUTE, "attempt": 1}
    return late(function, minutes, **{**values, **fields})


def ended(function: str, seconds_ago: float, due_minutes_ago: float) -> None:
    execution = late(function, due_minutes_ago, state=State.SUCCEEDED)
    moment = now() - seconds_ago * SECOND
    Attempt.objects.create(execution=execution, number=1, outcome="succeeded", started_at=moment, ended_at=moment)


def test_what_is_not_due_or_has_not_waited_for_long_is_as_it_should_be() -> None:
    make_execution(NOTE)
    late(minutes=4)
    make_execution(NOTE, due_at=now() + 10 * MINUTE)
    assert ids(waiting.begins) == []


def test_how_long_is_long_follows_the_setting(settings: LazySettings) -> None:
    late(minutes=4)
    settings.DEFER = {"REPUBLISH_AFTER": 1}
    assert ids(waiting.begins) == ["D040"]


def test_what_waits_while_workers_are_idle_is_stuck() -> None:
    late()
    late(minutes=7)
    [finding] = found(waiting.begins)
    assert (finding.id, finding.severity) == ("D040", Severity.ERROR)
    assert f"{NOTE} does not begin: 2 executions wait, the first for 10 min, although workers are idle" in finding.what


def test_a_retry_that_is_due_is_not_hidden_by_older_ones_that_are_not() -> None:
    for _ in range(5):
        late(minutes=30, due_at=now() + 10 * MINUTE)
    late()
    assert ids(waiting.begins) == ["D040"]


def test_what_waits_while_all_workers_are_at_work_is_a_warning() -> None:
    late()
    running("tests.shop.defer.stay", 12)
    [finding] = found(waiting.begins)
    assert (finding.id, finding.severity) == ("D041", Severity.WARNING)


def test_attempts_that_ended_a_moment_ago_show_that_workers_are_not_idle() -> None:
    late()
    ended(NOTE, 2, due_minutes_ago=11)
    assert ids(waiting.begins) == ["D041"]


def test_what_is_overtaken_by_much_later_work_of_its_queue_is_stuck() -> None:
    late()
    running("tests.shop.defer.stay", 1)
    [finding] = found(waiting.begins)
    assert finding.id == "D040"
    assert "what came later has begun" in finding.what


def test_what_waits_for_a_limit_that_is_held_for_long_is_told_with_the_command_that_aborts() -> None:
    late(ONE_AT_A_TIME)
    holder = running(ONE_AT_A_TIME, 12)
    [finding] = found(waiting.begins)
    assert (finding.id, finding.severity) == ("D042", Severity.WARNING)
    assert f"python manage.py defer cancel --force {holder.pk}" in finding.remedy[1]
    assert "30 min" in finding.remedy[0]


def test_a_limit_whose_slots_change_hands_is_only_much_work() -> None:
    late(ONE_AT_A_TIME)
    running(ONE_AT_A_TIME, 12, started_at=now())
    assert ids(waiting.begins) == ["D041"]


def test_another_key_of_a_limit_holds_up_nobody() -> None:
    late(ONE_AT_A_TIME, limit_key="a")
    running(ONE_AT_A_TIME, 12, limit_key="b")
    assert ids(waiting.begins) == ["D041"]


def test_what_nobody_reads_has_a_finding_of_its_own() -> None:
    late()
    Worker.objects.update(queues=["elsewhere"])
    assert ids(waiting.begins) == []
    Worker.objects.all().delete()
    assert ids(waiting.begins) == []


def test_what_is_paused_is_a_note_with_the_command_that_resumes() -> None:
    late()
    pauses.pause(NOTE)
    assert ids(waiting.begins) == []
    [finding] = found(waiting.is_held_by_nobody)
    assert (finding.id, finding.severity) == ("D043", Severity.NOTE)
    assert f"defer resume {NOTE}" in finding.remedy[0]


def test_a_pause_that_holds_nothing_is_not_told() -> None:
    pauses.pause(NOTE)
    assert ids(waiting.is_held_by_nobody) == []


def test_work_of_functions_that_are_gone_is_a_warning() -> None:
    make_execution("shop.defer.of_yesterday")
    assert ids(waiting.begins) == []
    [finding] = found(waiting.is_held_by_nobody)
    assert (finding.id, finding.severity) == ("D044", Severity.WARNING)
    assert "shop.defer.of_yesterday (1 execution)" in finding.what


def test_no_more_is_counted_than_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "LOOKED_AT", 3)
    monkeypatch.setattr(waiting, "LOOKED_AT", 3)
    for _ in range(5):
        late()
    [finding] = found(waiting.begins)
    assert "at least 3 executions wait" in finding.what


def test_every_function_that_waits_is_seen_by_one_step_each() -> None:
    for name in ("shop.defer.a", "shop.defer.b", "shop.defer.c"):
        make_execution(name)
        make_execution(name)
    make_execution("shop.defer.d", state=State.STARTED, worker=make_worker())
    assert [(each.function, each.count) for each in scene.Scene().waiting] == [
        ("shop.defer.a", 2),
        ("shop.defer.b", 2),
        ("shop.defer.c", 2),
    ]
