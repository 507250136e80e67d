"""What staff may do with schedules: by POST, with the permission for it, shown where allowed, and written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from deferapp.clock import now
from deferapp.executions.ids import due_id
from deferapp.functions import registry
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.schedules import manage
from deferapp.schedules.sync import sync
from tests.unit.admin.pages import open_page, text_of
from tests.unit.schedules.editing import NAME, declare

pytestmark = pytest.mark.usefixtures("queue")

DECLARED = "0 * * * *"
PERMISSIONS = {
    "run": {"run_execution"},
    "pause": {"pause_schedule"},
    "resume": {"pause_schedule"},
    "edit": {"change_schedule"},
    "reset": {"change_schedule"},
    "backfill": {"run_execution", "change_schedule"},
}
LABELS = {
    "run": "Run now",
    "pause": "Pause",
    "resume": "Resume",
    "edit": "Edit frequency",
    "reset": "Reset to the code",
    "backfill": "Backfill",
}


@pytest.fixture(autouse=True)
def declared(ledger: None, empty_registry: None) -> None:
    """One schedule, that of a function which is there."""
    PeriodicTask.objects.all().delete()
    CrontabSchedule.objects.all().delete()
    Schedule.objects.all().delete()
    declare(DECLARED)


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def schedule() -> Schedule:
    return Schedule.objects.get(function=NAME)


def post(client: Client, name: str, **data: Any) -> HttpResponse:
    response: HttpResponse = client.post(reverse(f"admin:deferapp_schedule_{name}", args=[schedule().pk]), data)
    return response


def page(client: Client) -> str:
    return text_of(open_page(client, "schedule_change", schedule().pk))


def entries() -> list[tuple[str, str]]:
    rows = LogEntry.objects.order_by("pk").select_related("user")
    return [(str(row.user), row.get_change_message()) for row in rows]


def last_hours(*ago: int) -> list[datetime]:
    last = now().replace(minute=0, second=0, microsecond=0)
    return [last - number * timedelta(hours=1) for number in ago]


def in_form(begins_at: datetime, ends_at: datetime) -> dict[str, str]:
    return {
        "begins_at": f"{begins_at:%Y-%m-%dT%H:%M}",
        "ends_at": f"{ends_at:%Y-%m-%dT%H:%M}",
        "seen": DECLARED,
        "previewed": f"{begins_at.isoformat()}/{ends_at.isoformat()}",
    }


def state_of_all() -> tuple[Any, ...]:
    return (
        Schedule.objects.values().get(),
        Execution.objects.count(),
        DueMoment.objects.count(),
        LogEntry.objects.count(),
        list(PeriodicTask.objects.values_list("enabled", "crontab")),
    )


def wishes() -> dict[str, dict[str, str]]:
    """For each action what would do it."""
    return {
        "run": {},
        "pause": {},
        "resume": {},
        "reset": {},
        "edit": {"frequency": "5 5 * * *", "seen": schedule().frequency, "previewed": "5 5 * * *", "_save": "1"},
        "backfill": {**in_form(*last_hours(3, 1)), "seen": schedule().frequency, "_save": "1"},
    }


@pytest.mark.parametrize("name", PERMISSIONS)
def test_who_lacks_one_of_the_permissions_is_refused_and_sees_no_button(
    name: str, staff: Callable[..., Client]
) -> None:
    manage.edit(schedule(), "7 7 * * *")
    if name == "resume":
        manage.pause(schedule())
    everything = set().union(*PERMISSIONS.values()) | {"view_schedule"}
    for number, missing in enumerate(sorted(PERMISSIONS[name])):
        client = staff(*(everything - {missing}), name=f"lacks{number}")
        before = state_of_all()
        assert post(client, name, **wishes()[name]).status_code == 403
        assert client.get(reverse(f"admin:deferapp_schedule_{name}", args=[schedule().pk])).status_code == 403
        assert state_of_all() == before
        assert LABELS[name] not in page(client)


@pytest.mark.parametrize("name", ["run", "pause", "resume"])
def test_who_may_do_it_but_not_see_schedules_is_refused(name: str, staff: Callable[..., Client]) -> None:
    assert post(staff(*PERMISSIONS[name]), name).status_code == 403


@pytest.mark.parametrize("name", ["run", "pause", "edit", "backfill"])
def test_who_has_just_the_permissions_does_it_and_is_written_down(name: str, staff: Callable[..., Client]) -> None:
    client = staff("view_schedule", *PERMISSIONS[name])
    assert LABELS[name] in page(client)
    before = state_of_all()
    response = post(client, name, **wishes()[name])
    assert response.status_code == 302
    assert response["Location"] == reverse("admin:deferapp_schedule_change", args=[schedule().pk])
    after = state_of_all()
    assert after != before
    ((user, message),) = entries()
    assert user == "staff"
    assert message in page(client)


@pytest.mark.parametrize("name", ["run", "pause", "resume", "reset"])
def test_nothing_is_done_by_get_or_without_a_token(name: str, superuser: Client) -> None:
    before = state_of_all()
    url = reverse(f"admin:deferapp_schedule_{name}", args=[schedule().pk])
    assert superuser.get(url).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="root"))
    assert strict.post(url).status_code == 403
    assert state_of_all() == before


@pytest.mark.parametrize("name", PERMISSIONS)
def test_a_visitor_is_asked_to_log_in(name: str, client: Client) -> None:
    before = state_of_all()
    assert "/login/" in post(client, name, **wishes()[name])["Location"]
    assert state_of_all() == before


def test_a_schedule_is_paused_and_resumed(superuser: Client) -> None:
    post(superuser, "pause")
    assert (schedule().is_paused, schedule().edited_by) == (True, "root")
    assert "❚❚ paused" in page(superuser)
    assert not PeriodicTask.objects.get().enabled
    post(superuser, "pause")
    post(superuser, "resume")
    assert not schedule().is_paused
    assert entries() == [("root", "Paused."), ("root", "Resumed.")]


def test_it_is_run_once_by_a_form_that_is_sent_twice(superuser: Client) -> None:
    for wish in ("a", "a", "b"):
        post(superuser, "run", wish=wish)
    assert Execution.objects.filter(function=NAME).count() == 2
    assert not DueMoment.objects.exists()


def test_a_frequency_is_shown_in_words_with_its_next_runs_before_it_is_saved(superuser: Client) -> None:
    asked = {"frequency": "0 8 29 2 mon", "seen": DECLARED}
    html = post(superuser, "edit", **asked, _preview="1").content.decode()
    assert html.count("08:00 UTC</time>") == 5
    assert "Every hour" not in text_of(html).partition("What that means")[2]
    assert "at 08:00 on day 29 of the month or on Monday, in February" in text_of(html)
    assert schedule().frequency == DECLARED
    post(superuser, "edit", **asked, previewed="0 8 29 2 mon", _save="1")
    assert (schedule().frequency, schedule().edited_by) == ("0 8 29 2 mon", "root")
    assert entries() == [("root", "Frequency changed from 0 * * * * to 0 8 29 2 mon.")]
    text = page(superuser)
    assert "✎ Edited by root" in text
    assert "The code says 0 * * * * UTC: every hour." in text


def test_what_was_not_previewed_is_not_saved_but_previewed(superuser: Client) -> None:
    for previewed in ("", "1 1 * * *"):
        response = post(superuser, "edit", frequency="2 2 * * *", seen=DECLARED, previewed=previewed, _save="1")
        assert "What that means" in response.content.decode()
        assert 'name="previewed" value="2 2 * * *"' in response.content.decode()
    assert schedule().frequency == DECLARED


@pytest.mark.parametrize(
    ("frequency", "said"),
    [
        ("61 * * * *", "minute:"),
        ("* * * *", "a frequency has 5 fields"),
        ("<b>", "&lt;b&gt;"),
        ("", "This field is required."),
        (" 0  * * * * ", "That is the frequency that it has."),
        ("0 " * 200, "at most 200 characters"),
    ],
)
def test_a_frequency_that_cannot_be_is_answered_at_the_field_in_the_words_of_the_parser(
    superuser: Client, frequency: str, said: str
) -> None:
    html = post(superuser, "edit", frequency=frequency, seen=DECLARED, previewed=frequency, _save="1").content.decode()
    errors = html.partition('<ul class="errorlist"')[2].partition("</ul>")[0]
    assert said in errors
    assert "What that means" not in html
    assert schedule().frequency == DECLARED


def test_who_was_second_is_told_what_the_first_has_changed(superuser: Client) -> None:
    manage.edit(schedule(), "7 7 * * *", by="ada")
    response = post(superuser, "edit", **{**wishes()["edit"], "seen": DECLARED})
    assert schedule().frequency == "7 7 * * *"
    assert entries() == []
    assert "it is 7 7 * * *, and was 0 * * * *" in superuser.get(response["Location"]).content.decode()


def test_a_reset_gives_the_frequency_back_to_the_code(superuser: Client) -> None:
    manage.edit(schedule(), "7 7 * * *", by="ada")
    post(superuser, "reset", seen="7 7 * * *")
    assert not schedule().is_overridden
    assert entries() == [("root", "Reset to the code's frequency 0 * * * *; it was 7 7 * * *.")]
    assert "Reset to the code" not in page(superuser).partition("What people did")[0]


def test_a_backfill_is_shown_before_it_is_made_and_made_once(superuser: Client) -> None:
    first, second, last = last_hours(3, 2, 1)
    DueMoment.objects.create(schedule=schedule(), due_at=first, decided_at=first, execution_id=due_id(NAME, first))
    DueMoment.objects.create(schedule=schedule(), due_at=second, decided_at=second)
    asked = in_form(first, last)
    text = text_of(post(superuser, "backfill", **asked, _preview="1").content.decode())
    assert "Due moments 2 (1 of them was missed)" in text
    assert f"First {second:%Y-%m-%d %H:%M} UTC" in text
    assert f"Last {last:%Y-%m-%d %H:%M} UTC" in text
    assert "1 that has fired" in text
    assert not Execution.objects.exists()
    for _ in range(2):
        post(superuser, "backfill", **asked, _save="1")
    assert Execution.objects.count() == 2
    assert DueMoment.objects.filter(execution=None).count() == 0
    ((user, message),) = entries()
    assert (user, "2 due moments fired" in message) == ("root", True)


def test_a_range_that_was_not_previewed_is_not_backfilled(superuser: Client) -> None:
    asked = {**in_form(*last_hours(3, 1)), "previewed": "another"}
    assert "What would fire" in post(superuser, "backfill", **asked, _save="1").content.decode()
    assert not Execution.objects.exists()


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        ("", "", "This field is required."),
        ("soon", "later", "Write a moment in UTC"),
        ("2020-01-01", "2020-01-02", "not known any more"),
    ],
)
def test_a_range_that_cannot_be_is_explained(superuser: Client, begins: str, ends: str, said: str) -> None:
    html = post(superuser, "backfill", begins_at=begins, ends_at=ends, seen=DECLARED, _preview="1").content.decode()
    assert said in html
    assert "What would fire" not in html


def test_of_what_is_gone_from_the_code_nothing_can_be_done(superuser: Client) -> None:
    registry._functions.clear()
    sync()
    for label in LABELS.values():
        assert f">{label}<" not in open_page(superuser, "schedule_change", schedule().pk)
    before = state_of_all()
    for name, wish in wishes().items():
        assert post(superuser, name, **wish).status_code in (200, 302)
    assert state_of_all() == before


def test_a_schedule_that_there_is_not_leads_away(superuser: Client) -> None:
    for name in PERMISSIONS:
        response = superuser.post(reverse(f"admin:deferapp_schedule_{name}", args=[987654321]))
        assert (response.status_code, response["Location"]) == (302, reverse("admin:index"))


def test_the_forms_hold_no_inline_style_or_script(superuser: Client) -> None:
    for name, wish in (("edit", wishes()["edit"]), ("backfill", wishes()["backfill"])):
        wish.pop("_save")
        for html in (
            open_page(superuser, f"schedule_{name}", schedule().pk),
            post(superuser, name, **wish).content.decode(),
        ):
            assert "<style" not in html
            assert " style=" not in html
            assert "<script>" not in html
