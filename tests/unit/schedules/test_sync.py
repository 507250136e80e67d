"""Schedules and beat's rows are what the code declares."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from deferapp import defer
from deferapp.clock import now
from deferapp.cron import next_times
from deferapp.functions import registry
from deferapp.models import Schedule
from deferapp.schedules import TICK, beat
from deferapp.schedules.sync import sync

pytestmark = pytest.mark.usefixtures("no_schedules")

NAME = f"{__name__}.weekly"


def weekly() -> None: ...


def nightly() -> None: ...


def declare(frequency: str, catch_up: str = "latest") -> None:
    defer.cron(weekly, frequency, catch_up=catch_up)


def undeclare() -> None:
    registry._functions.clear()


def schedule() -> Schedule:
    return Schedule.objects.get(function=NAME)


def columns() -> list[str]:
    """What beat loads: the five columns of each enabled periodic task, in cron's order."""
    tasks = PeriodicTask.objects.filter(enabled=True, task=TICK).order_by("name").select_related("crontab")
    return [
        f"{row.minute} {row.hour} {row.day_of_month} {row.month_of_year} {row.day_of_week}"
        for row in (task.crontab for task in tasks)
    ]


def is_next(moment: object, frequency: str) -> bool:
    return [moment] == next_times(frequency, after=now(), count=1)


def test_a_declared_function_gets_a_schedule_and_a_row_of_beat_in_utc() -> None:
    declare("0 8 * * mon", catch_up="all")
    sync()
    row = schedule()
    assert (row.frequency, row.declared_frequency, row.catch_up) == ("0 8 * * mon", "0 8 * * mon", "all")
    assert (row.is_active, row.is_overridden, row.edited_at) == (True, False, None)
    assert is_next(row.next_due_at, "0 8 * * 1")
    task = PeriodicTask.objects.get()
    assert (task.name, task.task, task.args, task.kwargs) == (f"deferapp: {NAME}", TICK, "[]", "{}")
    assert (task.enabled, task.one_off, str(task.crontab.timezone)) == (True, False, "UTC")
    assert columns() == ["0 8 * * 1"]


def test_a_frequency_that_needs_two_rows_gets_two_and_loses_the_second_with_the_need() -> None:
    declare("0 0 13 * 5")
    sync()
    others = ",".join(str(day) for day in range(1, 32) if day != 13)
    assert columns() == ["0 0 13 * *", f"0 0 {others} * 5"]
    undeclare()
    declare("0 0 13 * *")
    sync()
    assert columns() == ["0 0 13 * *"]


def test_repeating_it_changes_nothing_and_does_not_make_beat_load_again() -> None:
    declare("0 0 13 * 5")
    sync()
    before = [*Schedule.objects.values(), *PeriodicTask.objects.values(), *CrontabSchedule.objects.values()]
    loaded = PeriodicTasks.objects.get().last_update
    sync()
    assert before == [*Schedule.objects.values(), *PeriodicTask.objects.values(), *CrontabSchedule.objects.values()]
    assert PeriodicTasks.objects.get().last_update == loaded


def test_a_change_in_the_code_is_followed_and_beat_told() -> None:
    declare("0 8 * * *")
    sync()
    loaded = PeriodicTasks.objects.get().last_update
    undeclare()
    declare("*/10 * * * *", catch_up="none")
    sync()
    row = schedule()
    assert (row.frequency, row.is_overridden, row.catch_up) == ("*/10 * * * *", False, "none")
    assert is_next(row.next_due_at, "*/10 * * * *")
    assert columns() == ["0,10,20,30,40,50 * * * *"]
    assert PeriodicTasks.objects.get().last_update > loaded


def test_what_is_due_stays_due_when_nothing_has_changed() -> None:
    declare("0 8 * * *")
    sync()
    overdue = now() - timedelta(hours=3)
    Schedule.objects.update(next_due_at=overdue)
    sync()
    assert schedule().next_due_at == overdue


def test_a_function_gone_from_the_code_stops_and_resumes_from_then_on_when_it_is_back() -> None:
    declare("0 8 * * *")
    sync()
    undeclare()
    sync()
    row = schedule()
    assert (row.is_declared, row.is_active, row.next_due_at, columns()) == (False, False, None, [])
    sync()
    declare("0 8 * * *")
    sync()
    assert (schedule().is_active, schedule().edited_at, columns()) == (True, None, ["0 8 * * *"])
    assert is_next(schedule().next_due_at, "0 8 * * *")


def test_a_pause_lasts_while_the_function_is_gone() -> None:
    declare("0 8 * * *")
    sync()
    PeriodicTask.objects.update(enabled=False)
    undeclare()
    sync()
    declare("0 8 * * *")
    sync()
    assert (schedule().is_paused, schedule().next_due_at, columns()) == (True, None, [])


def test_equal_frequencies_share_a_crontab_row() -> None:
    declare("0 8 * * *")
    defer.cron(nightly, "0 8 * * 0-7")
    sync()
    assert PeriodicTask.objects.count() == 2
    assert CrontabSchedule.objects.count() == 1


def test_a_row_of_beat_that_was_deleted_comes_back() -> None:
    declare("0 0 13 * 5")
    sync()
    PeriodicTask.objects.all().delete()
    sync()
    assert len(columns()) == 2


def test_rows_of_the_project_itself_are_left_alone() -> None:
    crontab = CrontabSchedule.objects.create(minute="5", timezone="Asia/Tokyo")
    PeriodicTask.objects.create(name="theirs", task="theirs.task", crontab=crontab, enabled=False)
    before = [*PeriodicTask.objects.values(), *CrontabSchedule.objects.values()]
    declare("0 8 * * *")
    sync()
    undeclare()
    sync()
    assert before == [
        *PeriodicTask.objects.filter(name="theirs").values(),
        *CrontabSchedule.objects.filter(pk=crontab.pk).values(),
    ]


def test_names_fit_beats_column_and_stay_apart() -> None:
    first, second = beat.names("x" * 300)
    assert len(first) == len(second) == 200
    assert first != second
