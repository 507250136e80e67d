"""Beat's periodic tasks in the admin: guarded, unless the project has an admin of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from deferapp.admin.beat import GuardedPeriodicTaskAdmin, GuardedPeriodicTasks, guard
from deferapp.functions import registry
from deferapp.models import Execution, Schedule
from deferapp.schedules import TICK, beat, edits, manage
from deferapp.schedules.sync import sync
from tests.unit.admin.pages import text_of
from tests.unit.schedules.editing import NAME, declare, schedule
from tests.unit.schedules.test_changes_while_due import DAILY, HOURLY, fired, let_be_due

pytestmark = pytest.mark.usefixtures("queue")

LIST = "admin:django_celery_beat_periodictask_changelist"
CHANGE = "admin:django_celery_beat_periodictask_change"
ACTIONS = ("enable_tasks", "disable_tasks", "toggle_tasks", "run_tasks")


@pytest.fixture(autouse=True)
def declared(ledger: None, empty_registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One schedule and its row, and another task of the project."""
    monkeypatch.setattr(edits, "_seen", None)
    PeriodicTask.objects.all().delete()
    CrontabSchedule.objects.all().delete()
    Schedule.objects.all().delete()
    declare(DAILY)
    every = IntervalSchedule.objects.create(every=1, period="hours")
    PeriodicTask.objects.create(name="another", task="celery.ping", interval=every)


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def ours() -> Any:
    return PeriodicTask.objects.get(name=f"deferapp: {NAME}")


def another() -> Any:
    return PeriodicTask.objects.get(name="another")


def act(client: Client, action: str, *tasks: Any) -> HttpResponse:
    chosen = {"action": action, "_selected_action": [task.pk for task in tasks]}
    response: HttpResponse = client.post(reverse(LIST), chosen)
    return response


def states() -> list[tuple[str, bool]]:
    return list(PeriodicTask.objects.order_by("name").values_list("name", "enabled"))


def test_who_may_only_view_periodic_tasks_changes_and_runs_none(staff: Callable[..., Client]) -> None:
    client = staff("view_periodictask")
    before = states()
    for action in ACTIONS:
        act(client, action, ours(), another())
    assert states() == before
    assert not Execution.objects.exists()
    assert not schedule().is_paused
    html = client.get(reverse(LIST)).content.decode()
    assert not [action for action in ACTIONS if action in html]


def test_who_may_change_them_enables_and_disables_and_who_may_run_runs(staff: Callable[..., Client]) -> None:
    changer = staff("view_periodictask", "change_periodictask", name="changer")
    act(changer, "disable_tasks", ours(), another())
    assert [enabled for _, enabled in states()] == [False, False]
    assert (schedule().is_paused, schedule().edited_by) == (True, "changer")
    act(changer, "run_tasks", ours())
    assert not Execution.objects.exists()
    runner = staff("view_periodictask", "run_execution", name="runner")
    act(runner, "enable_tasks", ours(), another())
    assert [enabled for _, enabled in states()] == [False, False]
    act(runner, "run_tasks", ours())
    assert Execution.objects.get().function == NAME


def test_a_toggle_is_a_pause_or_a_resume_and_written_down_at_the_schedule(superuser: Client) -> None:
    declare("0 0 13 * 5")
    rows = PeriodicTask.objects.filter(task=TICK)
    assert len(rows) == 2
    for is_paused in (True, False):
        act(superuser, "toggle_tasks", *rows, another())
        assert (schedule().is_paused, another().enabled) == (is_paused, not is_paused)
    messages = [each.get_change_message() for each in LogEntry.objects.filter(object_id=schedule().pk).order_by("pk")]
    assert messages == ["Paused.", "Resumed."]


def save(client: Client, task: Any, **fields: Any) -> HttpResponse:
    data = {"enabled": "on", "crontab": task.crontab_id, "name": "renamed", "task": "shop.tasks.other", **fields}
    response: HttpResponse = client.post(
        reverse(CHANGE, args=[task.pk]), {name: value for name, value in data.items() if value is not None}
    )
    return response


def crontab(**columns: str) -> int:
    return int(CrontabSchedule.objects.create(**{"minute": "0", "hour": "9", "timezone": "UTC", **columns}).pk)


def test_a_row_of_a_schedule_leads_to_it_and_keeps_its_name_and_task(superuser: Client) -> None:
    html = superuser.get(reverse(CHANGE, args=[ours().pk])).content.decode()
    assert reverse("admin:deferapp_schedule_change", args=[schedule().pk]) in html
    assert "It rings for a schedule of deferapp" in text_of(html)
    assert 'name="name"' not in html
    assert 'name="task"' not in html
    assert save(superuser, ours()).status_code == 302
    assert (ours().task, ours().args) == (TICK, "[]")
    assert 'name="task"' in superuser.get(reverse(CHANGE, args=[another().pk])).content.decode()


def test_an_edit_of_the_row_is_the_schedules_at_once_with_its_author(superuser: Client) -> None:
    save(superuser, ours(), crontab=crontab())
    row = schedule()
    assert (row.frequency, row.edited_by, ours().crontab.hour) == ("0 9 * * *", "root", "9")
    save(superuser, ours(), enabled=None)
    assert schedule().is_paused
    messages = [each.get_change_message() for each in LogEntry.objects.filter(object_id=row.pk).order_by("pk")]
    assert "Edited in beat's periodic task: 0 9 * * *." in messages
    assert "Edited in beat's periodic task: 0 9 * * *, paused." in messages


def test_a_schedule_that_is_due_fires_before_it_is_edited_in_its_row(superuser: Client) -> None:
    due = let_be_due()
    save(superuser, ours(), crontab=crontab(minute="30", hour="*"))
    assert fired() == [due]
    assert schedule().frequency == HOURLY


def test_a_pause_in_its_row_is_in_effect_at_once(superuser: Client) -> None:
    let_be_due()
    save(superuser, ours(), enabled=None)
    assert fired() == []
    assert schedule().is_paused


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"timezone": "Europe/Berlin"}, "in the time zone UTC"),
        ({"day_of_month": "31", "month_of_year": "2"}, "never"),
    ],
)
def test_what_workers_would_put_back_is_refused_at_the_field(
    superuser: Client, columns: dict[str, str], said: str
) -> None:
    response = save(superuser, ours(), crontab=crontab(**columns))
    assert response.status_code == 200
    assert said in response.content.decode()
    assert schedule().frequency == DAILY


def test_a_row_is_not_deleted_while_its_function_is_in_the_code(superuser: Client) -> None:
    url = reverse("admin:django_celery_beat_periodictask_delete", args=[ours().pk])
    assert superuser.post(url, {"post": "yes"}).status_code == 403
    superuser.post(
        reverse(LIST), {"action": "delete_selected", "_selected_action": [ours().pk, another().pk], "post": "yes"}
    )
    assert PeriodicTask.objects.count() == 2
    registry._functions.clear()
    sync()
    assert superuser.post(url, {"post": "yes"}).status_code == 302
    assert PeriodicTask.objects.get() == another()


def test_the_second_row_of_a_schedule_is_only_to_be_read(superuser: Client) -> None:
    declare("0 0 13 * 5")
    second = PeriodicTask.objects.get(name=beat.names(NAME)[1])
    assert superuser.get(reverse(CHANGE, args=[second.pk])).status_code == 200
    assert save(superuser, second, crontab=crontab()).status_code == 403
    manage.pause(schedule())
    assert not PeriodicTask.objects.filter(task=TICK, enabled=True).exists()


def test_a_long_functions_row_is_found_by_the_name_that_was_cut_off() -> None:
    long = Schedule.objects.create(function="f" * 199 + "1", declared_frequency="@daily", frequency="@daily")
    Schedule.objects.create(function="f" * 150, declared_frequency="@daily", frequency="@daily")
    for name in beat.names(long.function):
        assert beat.owner(name) == long
    for name in ("deferapp: nobody", NAME, "another", "deferapp: "):
        assert beat.owner(name) is None


def test_beats_own_admin_gives_way_to_the_guarded_one() -> None:
    site = admin.AdminSite()
    guard(site)
    assert not site.is_registered(PeriodicTask)
    site.register(PeriodicTask, PeriodicTaskAdmin)
    for _ in range(2):
        guard(site)
        assert type(site.get_model_admin(PeriodicTask)) is GuardedPeriodicTaskAdmin
    assert type(admin.site.get_model_admin(PeriodicTask)) is GuardedPeriodicTaskAdmin


class ThemedAdmin(PeriodicTaskAdmin):  # type: ignore[misc]
    """As themes ask projects to register one."""


class GuardedThemedAdmin(GuardedPeriodicTasks, ThemedAdmin):
    """As our documentation asks them to."""


@pytest.mark.parametrize("own", [ThemedAdmin, GuardedThemedAdmin])
def test_an_admin_of_the_projects_own_stays_whether_it_comes_before_or_after(own: type[Any]) -> None:
    before = admin.AdminSite()
    before.register(PeriodicTask, own)
    guard(before)
    assert type(before.get_model_admin(PeriodicTask)) is own
    after = admin.AdminSite()
    after.register(PeriodicTask, PeriodicTaskAdmin)
    guard(after)
    after.unregister(PeriodicTask)
    after.register(PeriodicTask, own)
    assert type(after.get_model_admin(PeriodicTask)) is own
