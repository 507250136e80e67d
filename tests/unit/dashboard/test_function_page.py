"""The page of a function: what it tells, and what one may do there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deferapp.clock import now
from deferapp.executions import pauses
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import Execution, Schedule
from tests.unit.dashboard import scene
from tests.unit.dashboard.pages import (
    MAIL,
    function_page,
    function_url,
    names_attributes_of_style_or_script,
    section,
    text_of,
)
from tests.unit.dashboard.rows import End, error_group, tally
from tests.unit.queue import MemoryQueue
from tests.unit.rows import SECOND, make_execution

TRAIN = "marketplace.defer.train_recommender"
HOSTILE = 'shop/<script>alert("x")</script>\u202egnp'


def post(client: Client, name: str = MAIL, **data: str) -> int:
    return client.post(function_url(name), {"wish": str(uuid4()), **data}).status_code


@pytest.fixture
def runner(staff: Callable[..., Client]) -> Client:
    return staff("view_execution", "run_execution", name="runner")


@pytest.fixture
def pauser(staff: Callable[..., Client]) -> Client:
    return staff("view_execution", "pause_schedule", name="pauser")


def test_it_tells_of_this_function_alone(viewer: Client) -> None:
    tally(
        End(ended_at=now(), function=MAIL, count=7),
        End(ended_at=now(), function=MAIL, outcome="failed", error_key="abc"),
        End(ended_at=now(), function="shop.defer.other", count=900, duration=90 * SECOND, error_key="def"),
    )
    error_group("abc", now(), MAIL)
    error_group("def", now(), "shop.defer.other", error_type="KeyError")
    html = function_page(viewer)
    assert "runs 8" in text_of(section(html, "cards"))
    assert "ValueError" in section(html, "errors")
    assert "KeyError" not in html
    assert f"fn%3A{MAIL}" in section(html, "cards")


def test_durations_are_shown_with_their_percentiles(viewer: Client) -> None:
    tally(*(End(ended_at=now(), function=MAIL, duration=second * SECOND) for second in range(1, 101)))
    html = section(function_page(viewer), "durations")
    assert re.search(r"p50 (49|50|51) s", text_of(html))
    assert re.search(r"p95 1 min 3\d s", text_of(html))
    assert html.count("deferapp-mark-line") == 3
    titles = re.findall(r"<title>[^<]+: (\d+)</title>", html)
    assert sum(map(int, titles)) == 100
    assert "deferapp-heat-" in html


def test_a_single_duration_makes_charts_as_well(viewer: Client) -> None:
    tally(End(ended_at=now(), function=MAIL, duration=timedelta(microseconds=3)))
    assert "deferapp-fill-plain" in section(function_page(viewer, range="30d"), "durations")


def test_its_settings_are_those_of_the_code(viewer: Client) -> None:
    text = text_of(function_page(viewer, "tests.shop.defer.two_at_once"))
    assert "concurrency 2" in text
    assert "queue celery" in text
    assert "declared in tests/shop/defer/two_at_once.py" in text


def test_a_scheduled_function_shows_its_schedule_and_leads_to_it(viewer: Client) -> None:
    schedule, _is_new = Schedule.objects.update_or_create(
        function=TRAIN, defaults={"declared_frequency": "0 3 * * 1", "frequency": "30 4 * * *", "is_paused": True}
    )
    html = function_page(viewer, TRAIN)
    assert "(30 4 * * * UTC), paused" in text_of(html)
    assert reverse("admin:deferapp_schedule_change", args=[schedule.pk]) in html


def test_the_latest_executions_are_listed_and_only_its_own(viewer: Client) -> None:
    ours = [make_execution(MAIL, state=State.SUCCEEDED) for _each in range(12)]
    make_execution("tests.shop.defer.mail2")
    html = section(function_page(viewer), "latest")
    listed = re.findall(r'href="[^"]*/execution/([0-9a-f-]{36})/change/"', html)
    assert listed == [str(execution.pk) for execution in reversed(ours[2:])]


def test_the_function_is_run_with_a_list_or_names_and_the_browser_goes_to_the_execution(
    runner: Client, queue: MemoryQueue
) -> None:
    for arguments in ("[7]", '{"number": 7}'):
        response = runner.post(function_url(), {"action": "run", "wish": uuid4(), "arguments": arguments})
        execution = Execution.objects.latest("created_at")
        assert response["Location"] == reverse("admin:deferapp_execution_change", args=[execution.pk])
        assert "7" in execution.arguments_json
    assert Execution.objects.filter(function=MAIL, state=State.CREATED).count() == 2
    entry = LogEntry.objects.latest("pk")
    assert (entry.object_id, entry.user.get_username(), entry.change_message) == (
        str(execution.pk),
        "runner",
        "Run now",
    )


def test_a_scheduled_function_is_run_without_arguments(runner: Client, queue: MemoryQueue) -> None:
    assert "textarea" not in function_page(runner, TRAIN)
    assert post(runner, TRAIN, action="run", arguments="[1]") == 302
    assert Execution.objects.get().function == TRAIN


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("[7", "This is no JSON"),
        ("7", "Arguments are a list"),
        ("[]", "missing a required argument: &#x27;number&#x27;"),
        ('{"nr": 7}', "missing a required argument"),
        ("[" * 200_000, "This is no JSON"),
        ("[1, 2]", "too many positional arguments"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_in_words_and_kept(runner: Client, arguments: str, words: str) -> None:
    response = runner.post(function_url(), {"action": "run", "wish": uuid4(), "arguments": arguments})
    html = response.content.decode()
    assert words in html
    assert arguments[:1_000].replace('"', "&quot;") in html
    assert not Execution.objects.exists()
    assert not LogEntry.objects.exists()


def test_a_form_that_is_sent_twice_runs_it_once(runner: Client, queue: MemoryQueue) -> None:
    data = {"action": "run", "wish": str(uuid4()), "arguments": "[7]"}
    places = {runner.post(function_url(), data)["Location"] for _each in range(3)}
    assert len(places) == 1
    assert Execution.objects.count() == LogEntry.objects.count() == 1


def test_a_form_without_its_wish_runs_nothing(runner: Client) -> None:
    for wish in ("", "x"):
        assert post(runner, action="run", arguments="[7]", wish=wish) == 200
    assert not Execution.objects.exists()


def test_a_function_is_paused_and_resumed_and_both_are_recorded(pauser: Client) -> None:
    assert post(pauser, action="pause") == 302
    assert pauses.is_paused(MAIL)
    html = function_page(pauser)
    assert "Paused" in text_of(section(html, "state"))
    assert 'value="resume"' in html
    assert post(pauser, action="resume") == 302
    assert not pauses.is_paused(MAIL)
    entries = LogEntry.objects.order_by("pk").values_list("object_id", "change_message")
    assert list(entries) == [(MAIL, "Paused"), (MAIL, "Resumed")]


def test_a_schedule_is_paused_on_its_own_page(pauser: Client) -> None:
    assert 'value="pause"' not in function_page(pauser, TRAIN)


@pytest.mark.parametrize("action", ["run", "pause", "resume"])
def test_what_one_may_not_do_is_absent_and_refused(staff: Callable[..., Client], action: str) -> None:
    others = {"run": "pause_schedule", "pause": "run_execution", "resume": "run_execution"}
    client = staff("view_execution", others[action], "retry_execution", "cancel_execution")
    assert f'value="{action}"' not in function_page(client)
    assert post(client, action=action, arguments="[7]") == 403
    assert not Execution.objects.exists()
    assert not pauses.is_paused(MAIL)


def test_who_may_run_but_not_view_reaches_nothing(staff: Callable[..., Client]) -> None:
    client = staff("run_execution", "pause_schedule", "view_schedule")
    assert client.get(function_url()).status_code == 403
    assert {post(client, action=action, arguments="[7]") for action in ("run", "pause")} == {403}
    assert not Execution.objects.exists()


def test_a_form_of_another_site_does_nothing(staff: Callable[..., Client]) -> None:
    client = staff("view_execution", "run_execution", "pause_schedule", enforce_csrf_checks=True)
    assert {post(client, action=action, arguments="[7]") for action in ("run", "pause")} == {403}
    assert not Execution.objects.exists()
    assert not pauses.is_paused(MAIL)


def test_looking_changes_nothing(runner: Client) -> None:
    function_page(runner, action="run", wish=str(uuid4()), arguments="[7]")
    assert not Execution.objects.exists()


def test_an_action_that_there_is_not_is_not_found(runner: Client) -> None:
    assert post(runner, action="delete") == 404


def test_a_function_that_never_was_is_not_found(viewer: Client) -> None:
    assert viewer.get(function_url("shop.defer.never")).status_code == 404


def test_a_function_that_is_gone_from_the_code_keeps_its_page_without_its_actions(staff: Callable[..., Client]) -> None:
    make_execution("shop.defer.gone")
    client = staff("view_execution", "run_execution", "pause_schedule")
    html = function_page(client, "shop.defer.gone")
    assert "Not in the code" in text_of(section(html, "state"))
    assert '<form method="post" class' not in html
    assert post(client, "shop.defer.gone", action="run") == 302
    assert Execution.objects.count() == 1


def test_a_hostile_name_is_shown_harmlessly(viewer: Client) -> None:
    make_execution(HOSTILE)
    tally(End(ended_at=now(), function=HOSTILE))
    html = function_page(viewer, HOSTILE, range="1h")
    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert names_attributes_of_style_or_script(html) == []


def test_it_needs_no_inline_style_or_script_whatever_one_may_do(staff: Callable[..., Client]) -> None:
    scene.fill(now())
    client = staff("view_execution", "view_execution_values", "run_execution", "pause_schedule", "retry_execution")
    assert names_attributes_of_style_or_script(function_page(client)) == []


def test_its_queries_are_few_and_count_nothing(viewer: Client) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            function_page(viewer)
        return [each["sql"] for each in captured.captured_queries]

    make_execution(MAIL)
    few = len(queries())
    scene.fill(now())
    for _each in range(50):
        make_execution(MAIL)
    many = queries()
    assert len(many) <= few + 2 <= 22  # groups of errors, and how they went, are read by their keys
    assert not [sql for sql in many if "COUNT(" in sql.upper()]


def test_every_function_of_the_code_has_a_page(viewer: Client) -> None:
    for function in registry.functions():
        assert viewer.get(function_url(function.name)).status_code == 200
