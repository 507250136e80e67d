"""`defer schedules` and its actions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask

from deferapp.cli import command
from deferapp.clock import now
from deferapp.functions import registry
from deferapp.functions.config import Config
from deferapp.functions.function import ScheduledFunction
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.schedules.sync import sync
from tests.unit.cli.conftest import ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queue")]

WEEKLY, DAILY = "shop.defer.weekly", "shop.defer.daily"


def _body() -> None: ...


def declare(name: str, frequency: str, catch_up: str = "latest") -> None:
    registry._functions[name] = ScheduledFunction(_body, name, Config(), frequency, catch_up)


@pytest.fixture(autouse=True)
def _none(empty_registry: None, db: None) -> None:
    """No schedule, those of the project neither."""
    Schedule.objects.all().delete()
    PeriodicTask.objects.all().delete()


@pytest.fixture
def _two(_none: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two schedules, as the code declares them; and a user."""
    monkeypatch.setattr(command.getpass, "getuser", lambda: "ada")
    declare(WEEKLY, "0 8 * * 1")
    declare(DAILY, "30 3 * * *")
    sync()


@pytest.mark.usefixtures("_two")
def test_schedules_are_listed_with_what_people_have_changed() -> None:
    ask("schedules", "pause", "daily")
    head, daily, weekly = ask("schedules").lines
    assert head.split() == ["function", "frequency", "next", "run", "latest", "state"]
    assert daily.startswith(DAILY)
    assert daily.endswith("paused by ada")
    next_run = Schedule.objects.get(function=WEEKLY).next_due_at
    assert next_run is not None
    assert weekly.split() == [WEEKLY, "0", "8", "*", "*", "1", *f"{next_run:%Y-%m-%d %H:%M:%S}".split(), "-", "-"]
    first, second = ask("schedules", "--json").json
    assert (first["is_paused"], first["edited_by"], first["next_due_at"]) == (True, "ada", None)
    assert second["next_due_at"] == next_run.isoformat()


def test_without_any_schedule_it_says_so() -> None:
    assert ask("schedules").out.startswith("There is no schedule.")


@pytest.mark.usefixtures("_two")
def test_the_latest_moment_that_fired_is_told_and_none_that_was_missed() -> None:
    schedule = Schedule.objects.get(function=WEEKLY)
    fired = datetime(2026, 11, 2, 8, tzinfo=UTC)
    for due_at, execution in ((fired, "0199e2a4-7d11-7c3e-9d4e-5a0d2f1b6c7e"), (fired + timedelta(days=7), None)):
        DueMoment.objects.create(schedule=schedule, due_at=due_at, decided_at=due_at, execution_id=execution)
    assert ask("schedules", "--json").json[1]["latest_due_at"] == fired.isoformat()


@pytest.mark.usefixtures("_two")
def test_a_comparison_with_the_code_changes_nothing_and_ends_with_one_if_something_differs() -> None:
    same = ask("schedules", "--diff")
    assert (same.code, same.out) == (0, "The schedules are as the code says.\n")
    before = list(Schedule.objects.values())
    declare(WEEKLY, "0 9 * * 1", "all")
    declare("shop.defer.yearly", "0 0 1 1 *")
    del registry._functions[DAILY]
    differs = ask("schedules", "--diff")
    assert differs.code == 1
    assert [" ".join(line.split()) for line in differs.lines[1:]] == [
        f"- {DAILY} stops: it is gone from the code",
        f"~ {WEEKLY} frequency in the code 0 8 * * 1 -> 0 9 * * 1",
        f"~ {WEEKLY} catch-up latest -> all",
        "+ shop.defer.yearly starts: 0 0 1 1 *",
    ]
    assert list(Schedule.objects.values()) == before
    sync()
    assert ask("schedules", "--diff").code == 0
    declare(DAILY, "30 3 * * *")
    assert ask("schedules", "--diff", "--json").json == [
        {"function": DAILY, "change": "back", "what": "starts again: 30 3 * * *"}
    ]


@pytest.mark.usefixtures("_two")
def test_an_edit_stays_and_the_comparison_says_so() -> None:
    Schedule.objects.filter(function=WEEKLY).update(frequency="0 7 * * 1")
    assert ask("schedules", "--diff").code == 0
    declare(WEEKLY, "0 9 * * 1")
    assert "0 8 * * 1 -> 0 9 * * 1; 0 7 * * 1 stays, as it was edited" in ask("schedules", "--diff").out


@pytest.mark.usefixtures("_two")
def test_schedules_are_paused_resumed_and_run() -> None:
    assert ask("schedules", "pause", "weekly", DAILY).lines == [f"{WEEKLY}: paused", f"{DAILY}: paused"]
    (resumed,) = ask("schedules", "resume", "weekly", "--json").json
    assert (resumed["is_paused"], resumed["next_due_at"] is None) == (False, False)
    assert ask("schedules", "--json", "run", "weekly").json[0]["function"] == WEEKLY
    assert Execution.objects.get().function == WEEKLY
    assert ask("schedules", "pause", "hourly").code == 3
    assert ask("schedules", "--diff", "pause", "weekly").code == 2


@pytest.mark.usefixtures("_two")
def test_one_whose_function_is_gone_cannot_run() -> None:
    Schedule.objects.filter(function=DAILY).update(is_declared=False)
    answer = ask("schedules", "run", "daily")
    assert (answer.code, answer.error) == (1, f"The function {DAILY} is gone from the code.")


@pytest.mark.usefixtures("_two")
def test_a_time_is_backfilled_once_and_a_dry_run_runs_nothing(settings: Any) -> None:
    settings.DEFER = {"RETENTION": None}
    words = ("schedules", "backfill", "daily", "--since", "3 days")
    dry = ask(*words, "--dry-run").lines
    assert dry[-1] == "3 would run, 0 had fired already."
    assert not Execution.objects.exists()
    assert ask(*words).lines == [*dry[:-1], "3 run, 0 had fired already."]
    assert Execution.objects.filter(function=DAILY).count() == 3
    again = ask(*words, "--json").json
    assert (again["fires"], again["already_fired"]) == ([], 3)
    assert ask("schedules", "backfill", "daily", "--since", "soon").code == 2
    assert ask("schedules", "backfill", "daily", "--since", "1s").code == 1
    day = f"{now() - timedelta(days=2):%Y-%m-%d}"
    assert (
        ask("schedules", "backfill", "daily", "--since", day, "--until", f"{day}T12:00", "--json").json["fires"] == []
    )
