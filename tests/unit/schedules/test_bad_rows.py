"""Rows of beat that are deleted or broken keep no schedule from firing, and no edit from being seen."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from deferapp.clock import now
from deferapp.functions import registry
from deferapp.models import Schedule
from deferapp.schedules import TICK, edits
from deferapp.schedules.sync import sync
from deferapp.schedules.tick import tick
from tests.unit.schedules.editing import NAME, crontab_columns, declare, edit, schedule

pytestmark = pytest.mark.usefixtures("no_schedules", "queue")


def test_rows_that_were_deleted_are_put_back_by_the_next_tick(caplog: pytest.LogCaptureFixture) -> None:
    declare("0 0 13 * 5")
    tick()
    before, due = crontab_columns(), schedule().next_due_at
    PeriodicTask.objects.all().delete()
    tick()
    assert crontab_columns() == before
    assert set(PeriodicTask.objects.values_list("enabled", flat=True)) == {True}
    assert (schedule().next_due_at, schedule().edited_at) == (due, None)
    assert NAME in caplog.text


def test_a_second_row_that_was_deleted_is_put_back() -> None:
    declare("0 0 13 * 5")
    tick()
    PeriodicTask.objects.order_by("name").last().delete()
    tick()
    assert PeriodicTask.objects.count() == 2


def test_a_crontab_that_was_deleted_with_its_rows_is_put_back() -> None:
    declare("0 8 * * *")
    tick()
    CrontabSchedule.objects.all().delete()
    tick()
    assert crontab_columns() == ["0 8 * * * UTC"]


def test_a_paused_schedule_whose_row_was_deleted_stays_paused() -> None:
    declare("0 8 * * *")
    PeriodicTask.objects.update(enabled=False)
    PeriodicTasks.update_changed()
    tick()
    PeriodicTask.objects.all().delete()
    tick()
    assert (schedule().is_paused, PeriodicTask.objects.get().enabled) == (True, False)


def test_a_renamed_row_gets_its_own_back_and_rings_besides() -> None:
    declare("0 8 * * *")
    tick()
    task = PeriodicTask.objects.get()
    task.name = "mine"
    task.save()
    tick()
    assert sorted(PeriodicTask.objects.values_list("name", flat=True)) == [f"deferapp: {NAME}", "mine"]


def test_the_row_of_a_schedule_that_is_gone_from_the_code_may_be_deleted() -> None:
    declare("0 8 * * *")
    registry._functions.clear()
    sync()
    PeriodicTask.objects.all().delete()
    sync()
    tick()
    assert not PeriodicTask.objects.exists()
    declare("0 8 * * *")
    assert PeriodicTask.objects.get().enabled


def set_by_sql(table: str, column: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s", [value])
    PeriodicTasks.update_changed()


def test_a_time_zone_that_nobody_knows_is_put_back() -> None:
    declare("0 8 * * *")
    tick()
    set_by_sql("django_celery_beat_crontabschedule", "timezone", "Mars/Phobos")
    tick()
    assert PeriodicTask.objects.get().crontab.timezone.key == "UTC"
    assert (schedule().frequency, schedule().edited_at) == ("0 8 * * *", None)


def test_rows_of_others_that_cannot_be_loaded_do_not_concern_us() -> None:
    declare("0 8 * * *")
    broken = CrontabSchedule.objects.create(minute="17", timezone="UTC")
    PeriodicTask.objects.create(name="theirs", task=TICK, crontab=broken, headers="{", kwargs="{")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Phobos', minute = 'x' WHERE id = %s",
            [broken.pk],
        )
    edit(hour="9")
    tick()
    assert schedule().frequency == "0 9 * * *"


def test_a_schedule_that_cannot_be_read_hides_no_edits_of_others(caplog: pytest.LogCaptureFixture) -> None:
    Schedule.objects.create(function="zoo.defer.broken", frequency="0 8 * *", declared_frequency="0 8 * *")
    crontab = CrontabSchedule.objects.create(minute="1", timezone="UTC")
    declare("0 8 * * *")
    PeriodicTask.objects.create(name="deferapp: zoo.defer.broken", task=TICK, crontab=crontab)
    edit(hour="9")
    edits.absorb()
    assert schedule().frequency == "0 9 * * *"
    assert "zoo.defer.broken" in caplog.text


def test_an_override_that_cannot_be_read_any_more_gives_way_to_the_code() -> None:
    declare("0 8 * * *")
    Schedule.objects.update(frequency="0 8 * *")
    sync()
    assert (schedule().frequency, crontab_columns()) == ("0 8 * * *", ["0 8 * * * UTC"])


def test_what_cannot_be_absorbed_keeps_nothing_from_firing_and_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LookupError("nobody expected this")

    declare("0 8 * * *")
    monkeypatch.setattr(edits, "absorb", fail)
    for _ in range(2):
        moment = now()
        Schedule.objects.update(next_due_at=moment)
        assert tick(moment) == 1
    assert caplog.text.count("LookupError: nobody expected this") == 1


def test_while_the_database_is_away_edits_are_not_taken_for_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("away")

    declare("0 8 * * *")
    tick()
    edit(hour="9")
    with monkeypatch.context() as patched:
        patched.setattr(edits, "absorb", away)
        with pytest.raises(OperationalError):
            tick()
    tick()
    assert schedule().frequency == "0 9 * * *"
