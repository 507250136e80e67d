"""What people do with a schedule: it is the same as an edit in beat's rows, and remembers who did it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from deferapp.clock import now
from deferapp.cron import next_times
from deferapp.exceptions import InvalidFrequency, ScheduleError
from deferapp.functions import registry
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.schedules import manage
from deferapp.schedules.sync import sync
from deferapp.schedules.tick import tick
from tests.unit.schedules.editing import NAME, crontab_columns, declare, edit, schedule
from tests.unit.schedules.test_changes_while_due import DAILY, HOURLY, fired, let_be_due

pytestmark = pytest.mark.usefixtures("no_schedules", "queue")


def next_due(frequency: str) -> list[object]:
    return list(next_times(frequency, after=now(), count=1))


def is_enabled() -> set[bool]:
    return set(PeriodicTask.objects.values_list("enabled", flat=True))


def beat_changed_at() -> object:
    return PeriodicTasks.objects.values_list("last_update", flat=True).first()


def test_a_pause_stops_the_schedule_and_beats_rows_and_survives_a_deploy() -> None:
    declare("0 0 13 * 5")
    before, changed = now(), beat_changed_at()
    manage.pause(schedule(), by="ada")
    assert is_enabled() == {False}
    assert beat_changed_at() != changed
    declare("0 1 13 * 5")
    row = schedule()
    assert (row.is_paused, row.next_due_at, row.edited_by, row.frequency) == (True, None, "ada", "0 1 13 * 5")
    assert row.edited_at >= before


def test_what_is_due_when_it_is_paused_does_not_fire_also_not_when_it_is_resumed() -> None:
    declare(DAILY)
    let_be_due()
    manage.pause(schedule(), by="ada")
    tick()
    manage.resume(schedule(), by="bob")
    tick()
    row = schedule()
    assert fired() == []
    assert (row.is_paused, row.edited_by, [row.next_due_at]) == (False, "bob", next_due(DAILY))
    assert is_enabled() == {True}


def test_pausing_twice_remembers_who_was_first() -> None:
    declare(DAILY)
    manage.pause(schedule(), by="ada")
    manage.pause(schedule(), by="bob")
    assert schedule().edited_by == "ada"
    manage.resume(schedule(), by="cyd")
    manage.resume(schedule(), by="dan")
    assert schedule().edited_by == "cyd"


@pytest.mark.parametrize(
    ("frequency", "columns"),
    [
        ("0 9 * * mon", ["0 9 * * 1 UTC"]),
        ("@daily", ["0 0 * * * UTC"]),
        ("0 0 13 * 5", ["0 0 13 * * UTC", None]),
        (" 5  4 * *   * ", ["5 4 * * * UTC"]),
    ],
)
def test_an_edit_overrides_the_code_here_and_in_beats_rows_and_survives_deploys(
    frequency: str, columns: list[str | None]
) -> None:
    declare(DAILY)
    manage.edit(schedule(), frequency, by="ada")
    for _ in range(2):
        row = schedule()
        text = " ".join(frequency.split())
        assert (row.frequency, row.declared_frequency, row.is_overridden) == (text, DAILY, True)
        assert (row.edited_by, [row.next_due_at]) == ("ada", next_due(text))
        assert len(crontab_columns()) == len(columns)
        assert crontab_columns()[0] == columns[0]
        tick()
        sync()


def test_an_edit_that_cannot_be_read_changes_nothing() -> None:
    declare(DAILY)
    before = Schedule.objects.values().get()
    with pytest.raises(InvalidFrequency, match="minute"):
        manage.edit(schedule(), "61 * * * *", by="ada")
    assert Schedule.objects.values().get() == before


def test_a_reset_ends_the_override_and_the_schedule_follows_the_code_again() -> None:
    declare(DAILY)
    manage.edit(schedule(), "0 9 * * *", by="ada")
    manage.reset(schedule(), by="bob")
    row = schedule()
    assert (row.frequency, row.is_overridden, row.edited_by) == (DAILY, False, "bob")
    declare(HOURLY)
    assert (schedule().frequency, crontab_columns()) == (HOURLY, ["30 * * * * UTC"])


def test_a_reset_leaves_a_pause() -> None:
    declare(DAILY)
    manage.edit(schedule(), "0 9 * * *")
    manage.pause(schedule())
    manage.reset(schedule())
    assert (schedule().is_paused, schedule().next_due_at, is_enabled()) == (True, None, {False})


@pytest.mark.parametrize("catch_up", ["latest", "all"])
def test_a_moment_that_has_passed_fires_as_it_was_before_the_frequency_changes(catch_up: str) -> None:
    declare(DAILY)
    Schedule.objects.update(catch_up=catch_up)
    due = let_be_due()
    manage.edit(schedule(), HOURLY)
    tick()
    assert fired() == [due]
    assert DueMoment.objects.count() == Execution.objects.count() == 1
    assert (schedule().frequency, [schedule().next_due_at]) == (HOURLY, next_due(HOURLY))


def test_a_schedule_that_has_more_to_catch_up_with_than_an_edit_can_do_is_left_to_the_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declare("* * * * *")
    Schedule.objects.update(catch_up="all", next_due_at=now().replace(second=0, microsecond=0) - timedelta(days=1))
    monkeypatch.setattr(manage, "_MOST_PASSES", 1)
    with pytest.raises(ScheduleError, match="catching up"):
        manage.edit(schedule(), HOURLY)
    assert not DueMoment.objects.exists()


def test_what_somebody_edited_in_beats_row_before_is_not_lost_by_a_pause() -> None:
    declare(DAILY)
    edit(hour="9")
    manage.pause(schedule(), by="ada")
    assert (schedule().frequency, schedule().is_paused) == ("0 9 * * *", True)
    assert crontab_columns() == ["0 9 * * * UTC"]


def test_a_pause_in_beats_row_is_not_lost_by_an_edit() -> None:
    declare(DAILY)
    PeriodicTask.objects.update(enabled=False)
    manage.edit(schedule(), "0 9 * * *", by="ada")
    assert (schedule().frequency, schedule().is_paused, is_enabled()) == ("0 9 * * *", True, {False})


def test_who_edited_beats_row_is_not_known_and_nobody_else_is_named() -> None:
    declare(DAILY)
    manage.edit(schedule(), "0 9 * * *", by="ada")
    edit(hour="10")
    sync()
    assert (schedule().frequency, schedule().edited_by) == ("0 10 * * *", "")


def test_an_edit_of_what_has_changed_since_it_was_looked_at_is_refused() -> None:
    declare(DAILY)
    edit(hour="9")
    with pytest.raises(ScheduleError, match=r"it is 0 9 \* \* \*"):
        manage.edit(schedule(), HOURLY, seen=DAILY)
    assert schedule().frequency == DAILY
    manage.edit(schedule(), HOURLY, seen="0 9 * * *")
    assert schedule().frequency == HOURLY


def test_a_schedule_is_run_now_besides_its_due_moments() -> None:
    declare(DAILY)
    execution = manage.run_now(schedule(), by="ada")
    assert Execution.objects.get().pk == execution.pk
    assert execution.function == NAME
    assert not DueMoment.objects.exists()
    assert schedule().edited_at is None


def test_a_schedule_that_is_gone_from_the_code_is_left_as_it_is() -> None:
    declare(DAILY)
    registry._functions.clear()
    sync()
    before = Schedule.objects.values().get()
    for act in (manage.pause, manage.resume, manage.reset, manage.run_now):
        with pytest.raises(ScheduleError, match="gone from the code"):
            act(schedule(), by="ada")
    with pytest.raises(ScheduleError, match="gone from the code"):
        manage.edit(schedule(), HOURLY)
    assert Schedule.objects.values().get() == before


def test_a_frequency_that_cannot_be_read_is_paused_and_mended() -> None:
    declare(DAILY)
    Schedule.objects.update(frequency="no frequency")
    manage.pause(schedule())
    assert (schedule().is_paused, schedule().frequency) == (True, "no frequency")
    manage.resume(schedule())
    assert (schedule().is_paused, schedule().next_due_at) == (False, None)
    manage.edit(schedule(), HOURLY)
    assert [schedule().next_due_at] == next_due(HOURLY)


def test_a_long_user_name_is_cut_off() -> None:
    declare(DAILY)
    manage.pause(schedule(), by="a" * 300)
    assert schedule().edited_by == "a" * 150


def test_a_schedule_is_found_by_its_functions_name() -> None:
    declare(DAILY)
    assert manage.find(NAME) == schedule()
    with pytest.raises(ScheduleError, match="no schedule of nobody"):
        manage.find("nobody")
