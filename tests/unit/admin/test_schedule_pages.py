from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deferapp.admin.schedule_page import calendar
from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Attempt, DueMoment, Execution, Schedule
from deferapp.schedules import beat
from tests.unit.admin.pages import open_page, rows_of, text_of
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
    for shown in ("at 08:00 on Monday", "0 8 * * 1 UTC", "● active", "2026-01-12 08:00 UTC"):
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
    assert "✎ edited 2026-01-05; the code says 0 3 * * *" in text


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
    assert queries() == few <= 9


def calendar_of(html: str) -> str:
    return html.partition('<table class="deferapp-calendar">')[2].partition("</table>")[0]


def full_hours_ago(count: int) -> datetime:
    return now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=count)


def test_the_calendar_tells_each_of_90_days_by_a_sign_and_words(viewer: Client) -> None:
    schedule, today = make_schedule(), full_hours_ago(0).replace(hour=0)
    fire(schedule, today - timedelta(days=1))
    fire(schedule, today - timedelta(days=2), State.FAILED)
    fire(schedule, today - timedelta(days=3), None)
    fire(schedule, today - timedelta(days=4))
    DueMoment.objects.filter(due_at=today - timedelta(days=4)).update(decided_at=today - timedelta(days=3))
    fire(schedule, today - timedelta(days=200), State.FAILED)
    cells = re.findall(
        r'<td class="deferapp-day ([^"]*)" title="([^"]*)"><span[^>]*>([^<]*)<', calendar_of(page(viewer, schedule))
    )
    told = {text.partition(": ")[0]: (kind, text.partition(": ")[2], sign) for kind, text, sign in cells}
    assert len(cells) == len(told) == 90
    days = [f"{today - timedelta(days=number):%Y-%m-%d}" for number in range(6)]
    assert [told[day] for day in days] == [
        ("deferapp-none", "not due", ""),
        ("deferapp-succeeded", "1 succeeded", "✓"),
        ("deferapp-failed", "1 failed", "✕"),
        ("deferapp-missed", "1 missed", "–"),
        ("deferapp-late", "1 succeeded, late", "◷"),
        ("deferapp-none", "not due", ""),
    ]
    assert "✕ failed 1 – missed 1 ◷ succeeded, late 1 ✓ succeeded 1" in text_of(page(viewer, schedule))


def test_a_day_shows_the_worst_of_its_outcomes_and_counts_all(viewer: Client) -> None:
    schedule, day = make_schedule(), full_hours_ago(0).replace(hour=0) - timedelta(days=5)
    for hour, state in enumerate((State.SUCCEEDED, State.SUCCEEDED, State.FAILED, None)):
        fire(schedule, day + timedelta(hours=hour), state)
    html = calendar_of(page(viewer, schedule))
    assert f'deferapp-failed deferapp-some" title="{day:%Y-%m-%d}: 2 succeeded, 1 missed and 1 failed"' in html


def test_a_calendar_of_more_due_moments_than_are_read_says_from_when_on_it_tells(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar, "MOST", 5)
    schedule, today = make_schedule(), full_hours_ago(0).replace(hour=0)
    for number in range(8):
        fire(schedule, today - timedelta(hours=12 * number))
    html = page(viewer, schedule)
    assert f"these are its last 5 due moments, from {today - timedelta(days=2):%Y-%m-%d} on" in text_of(html)
    assert calendar_of(html).count("deferapp-day") == 3


def test_planned_and_started_stand_beside_each_other_also_after_a_retry(viewer: Client) -> None:
    schedule, due = make_schedule(), full_hours_ago(3)
    execution = fire(schedule, due)
    assert execution
    started = due + timedelta(minutes=2)
    Execution.objects.filter(pk=execution.pk).update(started_at=due + timedelta(hours=1), attempt=2)
    Attempt.objects.create(execution=execution, number=1, outcome="failed", started_at=started, ended_at=started)
    html = page(viewer, schedule)
    assert "2 min 0 s ◷ late" in text_of(html)
    assert f"{started:%Y-%m-%d %H:%M:%S}" in html
    DueMoment.objects.update(decided_at=due + timedelta(hours=2))
    assert "fired 2 h 0 min late" in text_of(page(viewer, schedule))


def page(client: Client, schedule: Schedule) -> str:
    return open_page(client, "schedule_change", schedule.pk)


def test_the_list_shows_the_last_outcomes_as_a_strip_that_is_told_in_words(viewer: Client) -> None:
    schedule = make_schedule()
    make_schedule("shop.defer.never")
    for number in range(20):
        fire(schedule, MONDAY - number * WEEK, State.SUCCEEDED if number else State.FAILED)
    fire(schedule, MONDAY - 20 * WEEK, None)
    html = open_page(viewer, "schedule_changelist")
    assert 'aria-label="the last: 11 succeeded and 1 failed"' in html
    strip = html.partition("deferapp-strip")[2].partition("<br>")[0]
    assert strip.count("title=") == 12
    assert "not yet" in text_of(html)


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("active", {"f0", "f1"}),
        ("paused", {"f2"}),
        ("edited", {"f1"}),
        ("gone", {"f3"}),
        ("x", {"f0", "f1", "f2", "f3"}),
    ],
)
def test_the_list_is_filtered_by_state(viewer: Client, state: str, found: set[str]) -> None:
    make_schedule("shop.f0")
    make_schedule("shop.f1", declared_frequency="@daily")
    make_schedule("shop.f2", is_paused=True)
    make_schedule("shop.f3", is_declared=False, is_paused=True)
    html = rows_of(open_page(viewer, "schedule_changelist", state=state))
    assert {name for name in ("f0", "f1", "f2", "f3") if f">{name}<" in html} >= found
    assert state == "x" or html.count("<tr>") == len(found)


def test_a_function_is_found_by_a_part_of_its_name(viewer: Client) -> None:
    make_schedule("shop.defer.weekly_mail")
    make_schedule("shop.defer.nightly")
    html = rows_of(open_page(viewer, "schedule_changelist", q="weekly"))
    assert ("weekly_" in html, "nightly" in html) == (True, False)


def test_a_thousand_schedules_cost_as_few_queries_as_one_and_the_page_of_one_too(viewer: Client) -> None:
    schedules = Schedule.objects.bulk_create(
        Schedule(function=f"shop.f{number:04}", declared_frequency="@hourly", frequency="@hourly")
        for number in range(1_000)
    )
    last = full_hours_ago(1)
    DueMoment.objects.bulk_create(
        DueMoment(schedule=each, due_at=last - timedelta(hours=number), decided_at=last)
        for each in schedules
        for number in range(15)
    )
    with CaptureQueriesContext(connection) as captured:
        html = open_page(viewer, "schedule_changelist")
    assert len(captured) <= 8
    assert html.count("deferapp-strip") == 100
    with CaptureQueriesContext(connection) as captured:
        page(viewer, schedules[0])
    assert len(captured) <= 10
