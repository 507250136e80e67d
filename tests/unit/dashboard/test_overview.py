"""The overview: what it tells, to whom, in which state of things, and by how many queries."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path, reverse

from deferapp.admin import ExecutionAdmin
from deferapp.alerts import life
from deferapp.clock import now
from deferapp.dispatch.broker import celery_app
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.functions.config import Config
from deferapp.functions.function import BackgroundFunction
from deferapp.models import AlertKind, DeployMark, DueMoment, Execution, Housekeeping, Schedule
from tests.unit.dashboard import scene
from tests.unit.dashboard.pages import MAIL, names_attributes_of_style_or_script, overview, section, text_of
from tests.unit.dashboard.rows import End, error_group, tally
from tests.unit.rows import MINUTE, SECOND, make_execution, make_worker

HOSTILE = 'shop.defer.<script>alert("x")</script>\u202egnp'


class Backoffice(admin.AdminSite):
    """A site of the project's own, with one of our models."""


backoffice = Backoffice(name="backoffice")
backoffice.register(Execution, ExecutionAdmin)
urlpatterns = [path("backoffice/", backoffice.urls), path("admin/", admin.site.urls)]


def living_worker(**fields: Any) -> None:
    make_worker(heartbeat_at=now() + MINUTE, queues=["celery"], **fields)


def queries_of(client: Client, **query: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        overview(client, **query)
    return [each["sql"] for each in captured.captured_queries]


def test_cards_tell_numbers_and_what_became_of_them_since_the_period_before(viewer: Client) -> None:
    moment = now()
    tally(
        End(ended_at=moment, count=1_980),
        End(ended_at=moment, outcome="failed", count=20),
        End(ended_at=moment - timedelta(days=1), count=1_000, wait=2 * SECOND),
        End(ended_at=moment - timedelta(days=1), outcome="failed", count=40, wait=2 * SECOND),
    )
    living_worker()
    text = text_of(section(overview(viewer), "cards"))
    assert "runs 2,000 ▲ 92 %" in text
    assert "ok 99.0 % ▲ 2.8 points" in text
    assert re.search(r"p95 wait \d+ ms ▼ was [12]\.\d s", text)
    assert "failed 20 ▼ 50 %" in text
    assert "workers 1/1" in text


def test_each_card_leads_to_the_list_of_what_it_counts(viewer: Client) -> None:
    living_worker()
    cards = section(overview(viewer), "cards")
    urls = re.findall(r'<a href="([^"]+)" class="deferapp-card', cards)
    assert len(urls) == 5
    assert "state%3Afailed" in urls[3]
    for url in urls:
        assert viewer.get(url.replace("&amp;", "&")).status_code == 200


def test_a_bar_leads_to_the_executions_of_its_time(viewer: Client) -> None:
    make_execution(MAIL, created_at=now() - timedelta(hours=5))
    tally(End(ended_at=now()), End(ended_at=now() - timedelta(hours=5), count=3))
    html = section(overview(viewer), "activity")
    (url,) = {url for url, title in re.findall(r'<a href="([^"]+)" aria-label="([^"]+)"', html) if "✓ 3" in title}
    listed = viewer.get(url.replace("&amp;", "&")).content.decode()
    assert listed.count("field-id_") == 1


@pytest.mark.parametrize(("key", "bars"), [("1h", 60), ("24h", 24), ("7d", 28), ("30d", 30)])
def test_the_range_is_in_the_address_and_sets_the_steps(viewer: Client, key: str, bars: int) -> None:
    tally(End(ended_at=now()))
    html = overview(viewer, range=key)
    assert html.count('tabindex="-1"><title>') == bars
    assert re.findall(r'href="\?range=(\w+)"[^>]*aria-current="true"', html) == [key]


def test_an_unknown_range_is_the_usual_one(viewer: Client) -> None:
    html = overview(viewer, range="<script>")
    assert re.findall(r'href="\?range=(\w+)"[^>]*aria-current="true"', html) == ["24h"]


def test_deployments_are_marked_on_the_bars(viewer: Client) -> None:
    tally(End(ended_at=now()))
    DeployMark.objects.create(label="v1.4 <b>", marked_at=now() - timedelta(hours=2))
    DeployMark.objects.create(label="v1.3", marked_at=now() - timedelta(days=3))
    html = section(overview(viewer), "activity")
    assert "deferapp-mark-line" in html
    assert "v1.4 &lt;b&gt;" in html
    assert "v1.3" not in html


def test_functions_are_listed_with_those_that_ran_most_first(viewer: Client) -> None:
    tally(End(ended_at=now(), function="tests.shop.defer.add", count=3), End(ended_at=now(), function=MAIL, count=7))
    make_execution(MAIL, state=State.FAILED, attempt=1, started_at=now(), ended_at=now())
    html = section(overview(viewer), "functions")
    rows = [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)]
    assert rows[1].startswith("mail tests.shop.defer")
    assert " 7 " in rows[1]
    assert "✕ failed" in rows[1]
    assert rows[2].startswith("add tests.shop.defer")
    assert "not yet" in rows[2]


def test_a_function_that_is_gone_from_the_code_is_listed_with_what_it_did(viewer: Client) -> None:
    tally(End(ended_at=now(), function="shop.defer.gone"))
    assert "not in the code" in section(overview(viewer), "functions")


def test_all_functions_are_shown_when_asked_for_and_the_range_keeps_that(viewer: Client) -> None:
    assert overview(viewer).count('scope="row"') < 15
    html = overview(viewer, functions="all")
    assert html.count('scope="row"') > 30
    assert 'href="?range=7d&amp;functions=all"' in html


def test_errors_are_grouped_and_lead_to_their_executions(viewer: Client) -> None:
    tally(End(ended_at=now(), outcome="failed", count=183, error_key="abc"))
    last = make_execution(MAIL)
    error_group("abc", now(), last_execution_id=last.pk)
    html = section(overview(viewer), "errors")
    assert "ValueError" in html
    assert "×183" in html
    assert "error%3Aabc" in html
    assert str(last.pk) in html


def test_what_an_error_says_is_redacted(viewer: Client) -> None:
    tally(End(ended_at=now(), outcome="failed", error_key="abc"))
    error_group("abc", now(), message="no customer 'Ada', password=hunter2")
    shown = overview(viewer)
    assert "Ada" in shown
    assert "hunter2" not in shown


def test_retrying_is_offered_to_those_who_may(staff: Callable[..., Client]) -> None:
    tally(End(ended_at=now(), outcome="failed", error_key="abc"))
    error_group("abc", now())
    assert "action=retry" not in overview(staff("view_execution"))
    client = staff("view_execution", "retry_execution", name="other")
    (url,) = re.findall(r'href="([^"]*action=retry[^"]*)"', overview(client))
    assert client.get(url.replace("&amp;", "&")).status_code == 200


def test_what_waits_is_told_by_queue_with_the_oldest_and_what_is_for_later(viewer: Client) -> None:
    for age in (5, 90):
        make_execution(MAIL, due_at=now() - age * SECOND)
    make_execution(MAIL, due_at=now() + MINUTE)
    text = text_of(section(overview(viewer), "load"))
    assert re.search(
        r"celery 2 waiting , oldest 1 min 3\ds · 1 later|celery 2 waiting , oldest 1 min 3\d s · 1 later", text
    )


def test_only_so_much_of_what_waits_is_read(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deferapp.dashboard.load.MOST", 3)
    for _each in range(5):
        make_execution(MAIL)
    assert "3+ waiting" in text_of(section(overview(viewer), "load"))


def test_workers_tell_how_busy_they_are_and_which_are_silent(viewer: Client) -> None:
    busy = make_worker(node="celery@one", heartbeat_at=now() + MINUTE, queues=["celery"], slots=8)
    make_worker(node="celery@two", heartbeat_at=now() - 2 * MINUTE)
    for _each in range(3):
        make_execution(MAIL, state=State.STARTED, worker=busy, started_at=now())
    text = text_of(section(overview(viewer), "load"))
    assert "alive celery@one 3/8 busy" in text
    assert "silent celery@two" in text
    assert "heard 2 min ago" in text


def test_without_a_worker_it_says_what_to_do(viewer: Client) -> None:
    assert "celery -A … worker" in text_of(section(overview(viewer), "alerts"))
    living_worker()
    assert text_of(section(overview(viewer), "alerts")) == ""


def test_open_alerts_stand_on_top_and_closed_ones_nowhere(viewer: Client) -> None:
    life.open_alert(AlertKind.UNDELIVERED, "The mailbox is full.", subject="anna@example.com")
    life.open_alert(AlertKind.UNDELIVERED, "Over.", subject="bob@example.com")
    life.close_alert(AlertKind.UNDELIVERED, subject="bob@example.com")
    html = section(overview(viewer), "alerts")
    assert "anna@example.com" in html
    assert "bob@example.com" not in html


def test_a_silent_beat_is_told(viewer: Client, use_broker: Callable[[str], None]) -> None:
    use_broker("redis://127.0.0.1:1/0")
    living_worker()
    late = now() - 5 * MINUTE
    Schedule.objects.create(function="shop.defer.weekly", declared_frequency="@weekly", frequency="@weekly")
    Housekeeping.objects.update_or_create(
        pk=1, defaults={"lease_until": now() + MINUTE, "rung_at": late, "ring_owed_since": late}
    )
    html = overview(viewer)
    assert "Beat is silent" in text_of(section(html, "alerts"))
    assert "rang 5 min ago" in text_of(section(html, "load"))


def test_schedules_show_what_has_fired_and_what_comes(viewer: Client) -> None:
    schedule = Schedule.objects.create(
        function="shop.defer.hourly",
        declared_frequency="0 * * * *",
        frequency="0 * * * *",
        next_due_at=now() + 5 * MINUTE,
    )
    for hours, state in ((1, State.SUCCEEDED), (2, State.FAILED), (3, None)):
        due_at = now() - timedelta(hours=hours)
        execution = make_execution("shop.defer.hourly", state=state) if state else None
        DueMoment.objects.create(schedule=schedule, due_at=due_at, decided_at=due_at, execution=execution)
    html = section(overview(viewer), "schedules")
    assert "in the last 6 hours 2 fired, 1 failed, 1 missed; next: in 4 min" in html
    signs = re.findall(r'deferapp-dot deferapp-(\w+)"', html)
    assert sorted(sign for sign in signs if sign != "coming") == ["failed", "missed", "succeeded"]
    assert signs.count("coming") >= 24


def test_a_schedule_of_every_minute_has_no_more_dots_than_can_be_seen(viewer: Client) -> None:
    Schedule.objects.all().delete()  # A flush by an earlier test brings those of the code back.
    Schedule.objects.create(function="shop.defer.often", declared_frequency="* * * * *", frequency="* * * * *")
    html = section(overview(viewer), "schedules")
    assert 20 < html.count("deferapp-coming") <= 45


def test_a_schedule_that_cannot_be_read_is_shown_all_the_same(viewer: Client) -> None:
    Schedule.objects.create(function="shop.defer.odd", declared_frequency="x", frequency="61 * * * *")
    assert "no frequency that can be read" in section(overview(viewer), "schedules")


def test_where_nothing_has_been_declared_it_shows_the_lines_to_write(viewer: Client, empty_registry: None) -> None:
    text = text_of(overview(viewer))
    assert "@defer" in text
    assert "python manage.py defer dev" in text
    assert "Activity" not in text


def test_where_nothing_has_run_it_says_what_to_call(viewer: Client, empty_registry: None) -> None:
    def greet(user_id: int, title: str = "") -> None: ...

    registry.register(BackgroundFunction(greet, "shop.defer.greet", Config()))
    assert "greet(user_id, title)" in text_of(section(overview(viewer), "activity"))
    make_execution(MAIL)
    assert "Nothing has run yet" not in overview(viewer)


@pytest.mark.parametrize("key", ["1h", "24h", "7d", "30d"])
def test_the_number_of_queries_is_the_same_however_much_there_is(viewer: Client, key: str) -> None:
    living_worker()
    tally(End(ended_at=now(), function=MAIL, error_key="a", outcome="failed"))
    make_execution(MAIL)
    few = len(queries_of(viewer, range=key))
    tally(
        *(
            End(ended_at=now(), function=f"shop.defer.f{number}", error_key=f"{number}", outcome="failed")
            for number in range(60)
        )
    )
    for number in range(60):
        make_execution(f"shop.defer.f{number}", state=State.STARTED if number % 2 else State.CREATED)
        error_group(f"{number}", now())
        living_worker()
        Schedule.objects.create(function=f"shop.defer.f{number}", declared_frequency="@daily", frequency="@daily")
    assert len(queries_of(viewer, range=key)) == few <= 26


def test_no_query_counts_or_reads_all_executions(viewer: Client) -> None:
    scene.fill(now())
    table = Execution._meta.db_table
    for sql in queries_of(viewer):
        assert "COUNT(" not in sql.upper()
        if f'FROM "{table}"' in sql:
            assert "LIMIT" in sql or f'"{table}"."id" IN' in sql, sql


def test_the_broker_is_asked_nothing(
    viewer: Client, use_broker: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("the broker was asked")

    use_broker("redis://127.0.0.1:1/0")
    monkeypatch.setattr("kombu.connection.Connection._establish_connection", refuse)
    monkeypatch.setattr("redis.connection.Connection.connect", refuse)
    scene.fill(now())
    assert celery_app().conf.broker_url == "redis://127.0.0.1:1/0"
    assert "Right now" in overview(viewer)


def test_staff_see_what_they_may_and_nothing_else(staff: Callable[..., Client]) -> None:
    scene.fill(now())
    regions = ("cards", "activity", "functions", "errors", "load", "schedules")
    seen = {
        "view_execution": {"cards", "activity", "functions", "errors", "load"},
        "view_schedule": {"schedules"},
        "view_worker": {"cards", "load"},
        "view_alert": set(),
    }
    for permission, wanted in seen.items():
        html = overview(staff(permission, name=permission))
        found = {name for name in regions if re.search(rf'id="deferapp-{name}"[^>]*>\s*(?!\s*</div>)\S', html)}
        assert found - {"cards"} == wanted - {"cards"}, permission
        assert ("p95 wait" in html) is (permission == "view_execution")
        assert ("celery@web1" in html) is (permission == "view_worker")
        assert ("anna@example.com" in html) is (permission == "view_alert")


def test_staff_without_any_permission_have_no_overview(staff: Callable[..., Client]) -> None:
    assert staff().get(reverse("admin:app_list", args=["deferapp"])).status_code == 404


def test_hostile_names_are_shown_harmlessly(viewer: Client) -> None:
    tally(End(ended_at=now(), function=HOSTILE, outcome="failed", error_key="abc"))
    error_group("abc", now(), HOSTILE, error_type="<img src=x onerror=alert(1)>", place="\u202eevil:<b>")
    make_execution(HOSTILE)
    make_worker(node="<script>alert(2)</script>")
    life.open_alert(AlertKind.UNDELIVERED, "<script>alert(3)</script>", subject="<i>")
    Schedule.objects.create(function=HOSTILE, declared_frequency="@daily", frequency="@daily")
    html = overview(viewer)
    assert names_attributes_of_style_or_script(html) == []
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "\u202e" not in html
    assert "\\u202e" in html


def test_it_needs_no_inline_style_or_script(viewer: Client) -> None:
    scene.fill(now())
    assert names_attributes_of_style_or_script(overview(viewer)) == []


@pytest.mark.urls(__name__)
def test_a_site_of_ones_own_shows_what_it_has_and_leads_to_itself() -> None:
    scene.fill(now())
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    html = client.get("/backoffice/deferapp/").content.decode()
    assert "/backoffice/deferapp/execution/function/tests.shop.defer.mail/" in html
    assert "/admin/" not in html.partition("content-main")[2].replace("/static/admin/", "")
    assert 'id="deferapp-schedules"' not in html
    assert client.get("/backoffice/deferapp/execution/function/tests.shop.defer.mail/").status_code == 200
