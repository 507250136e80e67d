"""What people edit in beat's rows stays through deploys, and what beat could not load is put back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from deferapp.clock import now
from deferapp.cron import next_times
from deferapp.schedules import TICK, edits
from deferapp.schedules.sync import sync
from deferapp.schedules.tick import tick
from tests.unit.schedules.editing import NAME, crontab_columns, declare, edit, schedule

pytestmark = pytest.mark.usefixtures("no_schedules", "queue")


@pytest.mark.parametrize(
    ("declared", "columns", "frequency"),
    [
        ("0 8 * * mon", {"hour": "9"}, "0 9 * * mon"),
        ("0 8 * * mon", {"minute": "*/15", "hour": "9-11"}, "*/15 9-11 * * mon"),
        ("0 8 * * mon", {"day_of_week": "fri"}, "0 8 * * fri"),
        ("0 8 * * 1", {"day_of_week": "7"}, "0 8 * * 7"),
        ("0 8 * * *", {"day_of_month": "1,15"}, "0 8 1,15 * *"),
        ("0 8 * jan *", {"month_of_year": "feb"}, "0 8 * feb *"),
        ("@daily", {"hour": "5"}, "0 5 * * *"),
        ("0 0 13 * 5", {"hour": "6"}, "0 6 13 * 5"),
        ("0 0 13 * 5", {"day_of_month": "*"}, "0 0 * * 5"),
    ],
)
def test_an_edited_field_replaces_that_field_and_survives_deploys(
    declared: str, columns: dict[str, str], frequency: str
) -> None:
    declare(declared)
    edit(**columns)
    before = now()
    for _ in range(2):
        sync()
        row = schedule()
        assert (row.frequency, row.is_overridden) == (frequency, True)
        assert row.edited_at >= before
        assert [row.next_due_at] == next_times(frequency, after=now(), count=1)


def test_an_edit_survives_a_deploy_that_changes_the_declared_frequency() -> None:
    declare("0 8 * * *")
    edit(hour="9")
    declare("30 7 * * *")
    assert (schedule().frequency, schedule().declared_frequency) == ("0 9 * * *", "30 7 * * *")
    assert crontab_columns() == ["0 9 * * * UTC"]


def test_an_edit_back_to_what_the_code_says_is_no_override_any_more() -> None:
    declare("0 8 * * *")
    edit(hour="9")
    sync()
    edit(hour="8")
    declare("30 7 * * *")
    assert (schedule().frequency, schedule().is_overridden) == ("30 7 * * *", False)


def test_another_crontab_may_be_chosen() -> None:
    declare("0 8 * * *")
    other = CrontabSchedule.objects.create(minute="15", hour="10", timezone="UTC")
    task = PeriodicTask.objects.get()
    task.crontab = other
    task.save()
    sync()
    assert schedule().frequency == "15 10 * * *"


def test_an_edit_that_needs_two_rows_gets_its_second() -> None:
    declare("0 8 13 * *")
    edit(day_of_week="5")
    sync()
    assert schedule().frequency == "0 8 13 * 5"
    assert PeriodicTask.objects.count() == 2


def test_an_edit_is_seen_by_the_next_tick() -> None:
    declare("0 8 * * *")
    tick()
    edit(hour="9")
    tick()
    assert schedule().frequency == "0 9 * * *"


def test_without_a_change_a_tick_does_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    declare("0 8 * * *")
    tick()
    tick()
    monkeypatch.setattr(edits, "absorb", lambda: pytest.fail("it looked"))
    tick()
    PeriodicTasks.update_changed()
    with pytest.raises(pytest.fail.Exception, match="it looked"):
        tick()


def pause_by_saving() -> None:
    task = PeriodicTask.objects.get()
    task.enabled = False
    task.save()


def pause_by_action() -> None:
    """As the action of beat's admin does it: no signal is sent."""
    PeriodicTask.objects.update(enabled=False)
    PeriodicTasks.update_changed()


@pytest.mark.parametrize("pause", [pause_by_saving, pause_by_action])
def test_a_pause_survives_deploys_and_is_ended_in_the_same_place(pause: Callable[[], None]) -> None:
    declare("0 8 * * *")
    tick()
    pause()
    tick()
    assert (schedule().is_paused, schedule().next_due_at) == (True, None)
    declare("30 8 * * *")
    assert (schedule().is_paused, PeriodicTask.objects.get().enabled) == (True, False)
    PeriodicTask.objects.update(enabled=True)
    sync()
    assert (schedule().is_paused, schedule().frequency) == (False, "30 8 * * *")
    assert [schedule().next_due_at] == next_times("30 8 * * *", after=now(), count=1)


def test_pausing_the_first_of_two_rows_pauses_both() -> None:
    declare("0 0 13 * 5")
    PeriodicTask.objects.filter(name=f"deferapp: {NAME}").update(enabled=False)
    sync()
    assert set(PeriodicTask.objects.values_list("enabled", flat=True)) == {False}


@pytest.mark.parametrize(
    "columns",
    [
        {"minute": ""},
        {"minute": "1,,2"},
        {"minute": "61"},
        {"hour": "feb"},
        {"day_of_week": "monkey"},
        {"day_of_month": "31", "month_of_year": "2"},
        {"day_of_month": "L"},
        {"minute": "*/5;rm"},
        {"minute": "٣"},
        {"minute": "0 0"},
        {"timezone": "America/New_York"},
        {"timezone": "America/New_York", "hour": "9"},
    ],
)
def test_what_cannot_be_read_is_logged_and_put_back(columns: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    declare("0 8 * * *")
    before = schedule()
    CrontabSchedule.objects.update(**columns)
    with caplog.at_level(logging.ERROR, logger="deferapp.schedules"):
        sync()
    assert NAME in caplog.text
    assert crontab_columns() == ["0 8 * * * UTC"]
    after = schedule()
    assert (after.frequency, after.next_due_at, after.edited_at) == ("0 8 * * *", before.next_due_at, None)


@pytest.mark.parametrize(
    "change",
    [
        {"crontab": None, "interval": True},
        {"one_off": True},
        {"args": "[1]"},
        {"kwargs": "not json"},
        {"headers": "not json"},
        {"start_time": now() + timedelta(days=400)},
        {"expires": now() - timedelta(days=1)},
        {"task": "shop.tasks.other"},
        {"task": ""},
    ],
)
def test_what_would_keep_it_from_ringing_is_put_back(change: dict[str, object]) -> None:
    declare("0 8 * * *")
    if "interval" in change:
        change = {**change, "interval": IntervalSchedule.objects.create(every=5, period="seconds")}
    PeriodicTask.objects.update(**change)
    sync()
    task = PeriodicTask.objects.get()
    assert crontab_columns() == ["0 8 * * * UTC"]
    assert (task.task, task.interval, task.one_off, task.args, task.kwargs) == (TICK, None, False, "[]", "{}")
    assert (task.headers, task.start_time, task.expires) == ("{}", None, None)


def test_the_second_row_follows_the_first() -> None:
    declare("0 0 13 * 5")
    before = crontab_columns()
    second = PeriodicTask.objects.order_by("name").last().crontab
    second.hour = "7"
    second.save()
    sync()
    assert crontab_columns() == before
    assert schedule().frequency == "0 0 13 * 5"
