"""A schedule that changes while it is due: what has passed fires as it was, and nothing fires that never was."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from deferapp.clock import now
from deferapp.cron import next_times
from deferapp.functions import registry
from deferapp.models import DueMoment, Schedule
from deferapp.schedules.sync import sync
from deferapp.schedules.tick import tick
from tests.unit.schedules.editing import crontab_columns, declare, edit, schedule

pytestmark = pytest.mark.usefixtures("no_schedules", "queue")

# Not due in the last five hours, and not at 9, which is what people change it to.
HOUR = next(hour for hour in ((now().hour + ahead) % 24 for ahead in (2, 3)) if hour != 9)
DAILY, HOURLY = f"0 {HOUR} * * *", "30 * * * *"


def let_be_due() -> datetime:
    """Nothing has run for five hours, in which the schedule was due once."""
    moment = now() - timedelta(hours=5)
    Schedule.objects.update(next_due_at=moment)
    return moment


def fired() -> list[datetime]:
    return list(DueMoment.objects.filter(execution__isnull=False).values_list("due_at", flat=True))


def test_a_moment_that_has_passed_is_not_lost_by_an_edit_and_none_is_made_up() -> None:
    declare(DAILY)
    tick()
    due = let_be_due()
    edit(hour="*", minute="30")
    tick()
    assert fired() == [due]
    assert DueMoment.objects.count() == 1
    assert (schedule().frequency, schedule().is_overridden) == (HOURLY, True)
    assert [schedule().next_due_at] == next_times(HOURLY, after=now(), count=1)


def test_a_moment_that_has_passed_is_not_lost_by_a_deployment_and_none_is_made_up() -> None:
    declare(DAILY)
    due = let_be_due()
    declare(HOURLY)
    assert schedule().frequency == DAILY
    tick()
    assert sync()
    assert fired() == [due]
    assert DueMoment.objects.count() == 1
    assert (schedule().frequency, schedule().is_overridden, crontab_columns()) == (HOURLY, False, ["30 * * * * UTC"])
    assert [schedule().next_due_at] == next_times(HOURLY, after=now(), count=1)


def test_a_sync_says_whether_something_waits() -> None:
    declare(DAILY)
    assert sync()
    let_be_due()
    assert sync()
    edit(hour="9")
    assert not sync()
    tick()
    assert sync()


def test_a_schedule_that_was_paused_while_it_is_due_does_not_fire() -> None:
    declare(DAILY)
    tick()
    let_be_due()
    PeriodicTask.objects.update(enabled=False)
    PeriodicTasks.update_changed()
    tick()
    assert fired() == []
    PeriodicTask.objects.update(enabled=True)
    PeriodicTasks.update_changed()
    tick()
    assert fired() == []
    assert [schedule().next_due_at] == next_times(DAILY, after=now(), count=1)


def test_a_schedule_that_was_paused_and_edited_while_it_is_due_does_not_fire() -> None:
    declare(DAILY)
    tick()
    let_be_due()
    edit(hour="9")
    PeriodicTask.objects.update(enabled=False)
    PeriodicTasks.update_changed()
    tick()
    assert fired() == []
    assert (schedule().frequency, schedule().is_paused) == ("0 9 * * *", True)


def test_a_schedule_that_is_gone_from_the_code_while_it_is_due_does_not_fire_also_when_it_comes_back() -> None:
    declare(DAILY)
    let_be_due()
    registry._functions.clear()
    sync()
    tick()
    declare(DAILY)
    tick()
    assert fired() == []
    assert [schedule().next_due_at] == next_times(DAILY, after=now(), count=1)


def test_another_catch_up_is_in_effect_at_once() -> None:
    declare(DAILY)
    let_be_due()
    registry.scheduled()[0].catch_up = "none"
    assert sync()
    tick()
    assert fired() == []
    assert DueMoment.objects.count() == 1
