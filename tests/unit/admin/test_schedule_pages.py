from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deferapp.executions.states import State
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.schedules import beat
from tests.unit.admin.pages import open_page, text_of
from tests.unit.rows import make_execution

MONDAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def no_other_schedules(ledger: None) -> None:
    """Those of the tests' project are there since the tables were made."""
    Schedule.objects.all().delete()


def make_schedule(function: str = "shop.defer.weekly", frequency: str = "0 8 * * 1", **fields: Any) -> Schedule:
    values = {"declared_frequency": frequency, "frequency": frequency, "next_due_at": MONDAY + WEEK}
    return Schedule.objects.create(function=function, **{**values, **fields})


def fire(schedule: Schedule, due_at: datetime, state: State | None = State.SUCCEEDED) -> Execution | None:
    """Let the schedule have fired at a moment, or have missed it."""
    execution = make_execution(schedule.function, state=state) if state else None
    DueMoment.objects.create(schedule=schedule, due_at=due_at, decided_at=due_at, execution=execution)
    return execution


def test_a_row_tells_frequency_next_and_last_run(viewer: Client) -> None:
    schedule = make_schedule()
    fire(schedule, MONDAY - WEEK)
    failed = fire(schedule, MONDAY, State.FAILED)
    fire(schedule, MONDAY + WEEK, None)
    html = open_page(viewer, "schedule_changelist")
    for shown in ("at 08:00 on Monday", "0 8 * * 1 UTC", "● active", "in the code", "2026-01-12 08:00 UTC"):
        assert shown in text_of(html)
    assert "✕ failed 2026-01-05 08:00 UTC" in text_of(html)
    assert failed
    assert reverse("admin:deferapp_execution_change", args=[failed.pk]) in html


@pytest.mark.parametrize("use_tz", [True, False])
def test_a_moment_is_also_given_in_the_viewers_time_zone(viewer: Client, settings: Any, use_tz: bool) -> None:
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "Asia/Tokyo"
    make_schedule(next_due_at=datetime(2026, 1, 5, 20, tzinfo=UTC))
    assert "2026-01-05 20:00 UTC 2026-01-06 05:00 JST" in text_of(open_page(viewer, "schedule_changelist"))


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"is_paused": True}, "❚❚ paused"),
        ({"is_declared": False}, "∅ gone from the code"),
        ({"is_declared": False, "is_paused": True}, "∅ gone from the code"),
    ],
)
def test_a_schedule_that_does_not_fire_says_why(viewer: Client, fields: dict[str, bool], state: str) -> None:
    schedule = make_schedule(next_due_at=None, **fields)
    assert state in text_of(open_page(viewer, "schedule_changelist"))
    text = text_of(open_page(viewer, "schedule_change", schedule.pk))
    assert state in text
    assert "None: it is not active." in text


def test_an_edit_is_shown_with_what_the_code_says(viewer: Client) -> None:
    make_schedule(declared_frequency="0 3 * * *", edited_at=MONDAY)
    text = text_of(open_page(viewer, "schedule_changelist"))
    assert "edited 2026-01-05 the code says 0 3 * * *" in text


def test_the_page_shows_the_next_five_runs(viewer: Client) -> None:
    html = open_page(viewer, "schedule_change", make_schedule(frequency="0 8 29 2 *").pk)
    runs = html.partition("deferapp-next")[2].partition("</section>")[0]
    assert runs.count("-02-29 08:00 UTC</time>") == 5


def test_the_page_shows_recent_due_moments_and_their_executions(viewer: Client) -> None:
    schedule = make_schedule()
    fired = fire(schedule, MONDAY)
    fire(schedule, MONDAY - WEEK, None)
    removed = fire(schedule, MONDAY - 2 * WEEK)
    assert fired
    assert removed
    removed.delete()
    html = open_page(viewer, "schedule_change", schedule.pk)
    text = text_of(html)
    recent = text[text.index("Recent due moments") :]
    assert (
        recent.index("✓ succeeded") < recent.index("– missed") < recent.index("? fired; its execution has been removed")
    )
    assert reverse("admin:deferapp_execution_change", args=[fired.pk]) in html


def test_the_page_leads_those_who_may_to_the_periodic_task(staff: Callable[..., Client], viewer: Client) -> None:
    schedule = make_schedule()
    beat.write(schedule)
    assert "periodic task" not in text_of(open_page(viewer, "schedule_change", schedule.pk))
    admin = Client()
    user = viewer_user()
    user.is_superuser = True
    user.save()
    admin.force_login(user)
    html = open_page(admin, "schedule_change", schedule.pk)
    assert "deferapp: shop.defer.weekly" in text_of(html)
    assert "/admin/django_celery_beat/periodictask/" in html.partition("content-main")[2]


def viewer_user() -> Any:
    from django.contrib.auth.models import User

    return User.objects.get()


def test_a_frequency_that_cannot_be_read_does_not_break_the_pages(viewer: Client) -> None:
    schedule = make_schedule(frequency="<b>61 * * * *")
    for html in (open_page(viewer, "schedule_changelist"), open_page(viewer, "schedule_change", schedule.pk)):
        assert "no frequency that can be read" in text_of(html)
        assert "<b>61" not in html


def test_the_number_of_queries_does_not_grow_with_the_schedules(viewer: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            open_page(viewer, "schedule_changelist")
        return len(captured)

    fire(make_schedule(), MONDAY)
    few = queries()
    for number in range(10):
        fire(make_schedule(f"shop.defer.f{number}"), MONDAY, State.FAILED)
    assert queries() == few <= 8
