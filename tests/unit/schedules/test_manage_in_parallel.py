"""Two people at the same schedule at once, and the tick beside them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django_celery_beat.models import PeriodicTask

from deferapp.clock import now
from deferapp.cron import columns, next_times, parse
from deferapp.exceptions import ScheduleError
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.schedules import manage
from deferapp.schedules.backfill import backfill
from deferapp.schedules.tick import tick
from tests.unit.parallel import at_once
from tests.unit.schedules.editing import declare, schedule

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_schedules", "queue")]


def assert_consistent() -> None:
    """Schedule, next run and beat's row say the same."""
    row = schedule()
    assert [row.next_due_at] == next_times(row.frequency, now(), 1)
    task = PeriodicTask.objects.get()
    expected = columns(parse(row.frequency))[0]
    assert (task.crontab.minute, task.crontab.hour, task.enabled) == (expected.minute, expected.hour, True)


def try_to_edit(frequency: str, by: str, seen: str | None = None) -> bool:
    try:
        manage.edit(schedule(), frequency, by=by, seen=seen)
    except ScheduleError:
        return False
    return True


def test_two_edits_at_once_end_as_one_of_them() -> None:
    declare("0 8 * * *")
    assert at_once(partial(try_to_edit, "10 9 * * *", "ada"), partial(try_to_edit, "20 10 * * *", "bob")) == [
        True,
        True,
    ]
    assert (schedule().frequency, schedule().edited_by) in [("10 9 * * *", "ada"), ("20 10 * * *", "bob")]
    assert_consistent()


def test_of_two_edits_of_what_both_have_seen_only_one_is_made() -> None:
    declare("0 8 * * *")
    edits = [partial(try_to_edit, f"{minute} 9 * * *", "ada", "0 8 * * *") for minute in (10, 20, 30)]
    assert sorted(at_once(*edits)) == [False, False, True]
    assert_consistent()


def test_backfills_and_ticks_at_once_fire_each_moment_once() -> None:
    declare("0 * * * *")
    last = now().replace(minute=0, second=0, microsecond=0)
    Schedule.objects.update(catch_up="all", next_due_at=last - timedelta(hours=5))
    fill = partial(backfill, schedule(), last - timedelta(hours=9), last)
    results = at_once(*[lambda: len(fill().fires)] * 3, tick, tick)
    # A tick leaves out a schedule that somebody else has locked.
    assert sum(results) + tick() == 10
    assert Execution.objects.count() == DueMoment.objects.count() == 10
    assert DueMoment.objects.filter(execution=None).count() == 0


def test_a_pause_and_a_tick_at_once_leave_nothing_half_done() -> None:
    declare("0 * * * *")
    Schedule.objects.update(next_due_at=now().replace(minute=0, second=0, microsecond=0))
    at_once(lambda: bool(manage.pause(schedule())), lambda: bool(tick()))
    assert (schedule().is_paused, schedule().next_due_at) == (True, None)
    assert Execution.objects.count() == DueMoment.objects.count() <= 1
    assert not PeriodicTask.objects.get().enabled
