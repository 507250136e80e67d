"""Observed tasks on the pages and in alerts: marked, and without what cannot be done to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deferapp.alerts import compose, details
from deferapp.checks import check_settings
from deferapp.clock import now
from deferapp.models import Alert, Delivery, DeliveryKind, ObservedFailure, Tally, TallyEntry
from deferapp.observe.write import Seen, write
from deferapp.tallies import fold, rebuild
from deferapp.tallies.ends import End
from tests.unit.dashboard.conftest import ledger, staff, viewer  # noqa: F401
from tests.unit.dashboard.pages import function_page, overview, section, text_of

TASK = "celery:shop.tasks.send_mail"


def note(outcome: str = "failed", **fields: Any) -> None:
    """The end of a run of a task, counted."""
    run, moment = uuid4(), now()
    end = End(TASK, outcome, moment, run, 1, None, timedelta(seconds=2), "a" * 16 if outcome == "failed" else "")
    said = {
        "error_type": "ValueError",
        "error_message": "password=hunter2",
        "traceback": 'File "mail.py", line 7\nValueError: password=hunter2',
        "place": "shop.tasks:send_mail",
        "started_at": moment - timedelta(seconds=2),
        "enqueued_by": "gen7@web1",
    }
    row = ObservedFailure(
        function=TASK, task_id=str(run), run=run, ended_at=moment, error_key=end.error_key, **said, **fields
    )
    write([Seen(end=end, failure=row if end.error_key else None)])
    fold.fold()


def test_the_overview_has_the_task_among_the_functions_marked(viewer: Client) -> None:  # noqa: F811
    note("succeeded")
    shown = text_of(section(overview(viewer), "functions"))
    assert "send_ mail ◎ a Celery task, observed celery:shop.tasks" in shown
    assert "not in the code" not in shown
    assert "ago" in shown


def test_its_page_says_what_it_is_and_shows_its_latest_failures(viewer: Client) -> None:  # noqa: F811
    note()
    shown = text_of(function_page(viewer, TASK))
    assert "A Celery task, observed" in shown
    assert "Not in the code" not in shown
    assert "Latest failures" in shown
    assert "gen7@web1" in shown
    assert "hunter2" not in shown


def test_nothing_can_be_done_to_it_and_no_link_leads_to_executions(staff: Callable[..., Client]) -> None:  # noqa: F811
    note()
    everything = ("view_execution", "run_execution", "retry_execution", "pause_schedule", "cancel_execution")
    client = staff(*everything)
    html = function_page(client, TASK)
    content = html.partition('<div id="content-main">')[2]
    assert "<form" not in content
    assert "/deferapp/execution/?" not in content
    assert "/deferapp/execution/bulk/" not in content + section(overview(client), "errors")
    assert client.post(f"/admin/deferapp/execution/function/{TASK}/", {"action": "run"}).status_code == 302
    assert not TallyEntry.objects.exists()


def test_a_traceback_is_for_those_who_may_view_values_and_redacted(staff: Callable[..., Client]) -> None:  # noqa: F811
    note()
    assert "mail.py" not in function_page(staff("view_execution", name="ada"), TASK)
    html = function_page(staff("view_execution", "view_execution_values", name="ben"), TASK)
    assert "mail.py" in html
    assert "hunter2" not in html


def test_its_error_leads_to_its_page(viewer: Client) -> None:  # noqa: F811
    note()
    errors = section(overview(viewer), "errors")
    assert f"/deferapp/execution/function/{TASK}/" in errors
    assert "error%3A" not in errors


def test_the_totals_of_the_overview_are_of_functions_alone(viewer: Client) -> None:  # noqa: F811
    note()
    assert not Tally.objects.filter(function="").exists()
    assert text_of(section(overview(viewer), "cards")).startswith("runs 0")


def test_the_overview_of_a_project_without_observed_tasks_asks_nothing_of_them(
    viewer: Client,  # noqa: F811
) -> None:
    with CaptureQueriesContext(connection) as queries:
        overview(viewer)
    assert not [query for query in queries if "observed" in query["sql"].lower()]


def test_its_failures_are_one_incident_that_names_no_execution_and_shows_the_frames(db: None) -> None:
    for _ in range(3):
        note()
    alert = Alert.objects.get()
    assert (alert.kind, alert.count, alert.subject) == ("failures", 3, f"ValueError in {TASK}")
    alert.details = details.gathered(alert)
    assert alert.details["named"] == []
    assert "mail.py" in alert.details["trace"]
    assert alert.details["seconds"] == 2.0
    assert "hunter2" not in str(alert.details)
    message = compose.compose(alert, Delivery(alert=alert, kind=DeliveryKind.OPENED)).as_text()
    assert TASK in message
    assert "•" not in message


@pytest.mark.django_db(transaction=True)
def test_making_tallies_anew_leaves_those_of_tasks_as_they_are() -> None:
    note()
    noted = End(TASK, "succeeded", now(), uuid4(), 1)
    write([Seen(end=noted, failure=None)])
    before = list(Tally.objects.filter(function=TASK).order_by("id").values())
    rebuild.rebuild()
    assert list(Tally.objects.filter(function=TASK).order_by("id").values()) == before
    fold.fold()
    assert Tally.objects.get(function=TASK, span="day", outcome="succeeded").count == 1


@pytest.mark.parametrize(
    ("value", "is_right"),
    [(True, True), (False, True), (["shop.*"], True), (("a",), True), ("shop.*", False), (1, False), ([1], False)],
)
def test_a_setting_that_names_no_tasks_is_an_error(value: Any, is_right: bool, settings: Any) -> None:
    settings.DEFER = {"OBSERVE_CELERY_TASKS": value}
    assert [message.id for message in check_settings()] == ([] if is_right else ["deferapp.E008"])
