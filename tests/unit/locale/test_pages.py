"""Every text of every page can be translated, seen from without: see the fixture `brackets`.

Limits: what is put into a translated text is taken for a value; and what no page of these shows is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import PeriodicTask

from deferapp.alerts import life
from deferapp.clock import now
from deferapp.executions.states import ErrorCode, State
from deferapp.models import AlertKind, Attempt, AttemptLog, DueMoment, Execution, Schedule, Worker
from tests.unit.dashboard import scene
from tests.unit.locale.literals import Texts
from tests.unit.rows import make_execution
from tests.unit.schedules.editing import NAME, declare

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brackets")]

DATA: Final = re.compile(
    r"\S*(shop|defer|marketplace|warehouse|celery|elsewhere|example|mail|tests)[\w.@/:+-]*"
    r"|(compute|weekly|import|train|deliver)(_\w+)?"  # functions
    r"|[0-9a-f-]{8,}|\d{4}-\d\d-\d\dT\S+|\d+(ms|s|h|d)?|p\d+|v1\.4\.2|root|ERROR|BY-HAND"
    r"|ValueError|SMTPServerDisconnected|550"  # errors
    r"|UTC|JSON|ER\d{4}|@\w+|(state|fn|since|until|parent|error|id|meta):\S*|state|failed\?"  # what one types
    r"|m/h/dM/MY/d"  # how beat writes a crontab
)
"""Words that are values, or names that are the same in every language."""
_BRACKETS: Final = re.compile(r"⟦[^⟦⟧]*⟧")
_WORD: Final = re.compile(r"[^\W\d_]")

Open = Callable[[Client], str]


def foreign(html: str) -> list[str]:
    """The words that are neither between brackets nor data."""
    text = "\n".join(Texts(html[max(html.find('<div id="content"'), 0) :].replace("<wbr>", "")).found)
    for told in (*scene.MESSAGES, scene.BOUNCE):
        text = text.replace(told, " ")
    while _BRACKETS.search(text):
        text = _BRACKETS.sub(" ", text)
    words = [word.strip("()[]{},;:.…\"'–—·×") for word in text.split()]
    return [word for word in words if _WORD.search(word) and not DATA.fullmatch(word)]


@pytest.fixture
def superuser(empty_registry: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def shop() -> None:
    """A schedule, and a busy day besides."""
    PeriodicTask.objects.all().delete()
    Schedule.objects.all().delete()
    declare("30 7 * * 1")
    scene.fill(now(), 3)


def page(client: Client, name: str, *args: Any, **query: Any) -> str:
    response = client.get(reverse(f"admin:{name}", args=args), query)
    assert response.status_code == 200, response
    return response.content.decode()


def a_failed_execution() -> Execution:
    moment = now()
    execution = make_execution("shop.defer.mail_all", state=State.FAILED, attempt=2, ended_at=moment)
    for number in (1, 2):
        Attempt.objects.create(
            execution=execution,
            number=number,
            outcome=Attempt.Outcome.FAILED,
            started_at=moment - timedelta(seconds=90 / number),
            ended_at=moment - timedelta(seconds=60 / number),
            retry_at=moment if number == 1 else None,
            error_code=ErrorCode.LOST,
            error_type="ValueError",
            traceback="Traceback (most recent call last):\nValueError\n",
        )
    line = [moment.isoformat(), "ERROR", "shop", "BY-HAND"]
    AttemptLog.objects.create(execution=execution, number=2, lines=[line], dropped=3)
    for state in State:
        make_execution(parent=execution, state=state)
    return execution


def a_schedule() -> Schedule:
    schedule = Schedule.objects.get(function=NAME)
    for hours in range(3):
        due_at = now() - timedelta(hours=hours)
        run = make_execution(NAME, state=State.FAILED) if hours else None
        DueMoment.objects.create(schedule=schedule, due_at=due_at, decided_at=now(), execution=run)
    Schedule.objects.filter(pk=schedule.pk).update(is_paused=True, frequency="0 8 * * 1", edited_by="root")
    return schedule


def an_alert() -> str:
    life.open_alert(AlertKind.FAILURES, "BY-HAND", subject="shop.defer.mail")
    return str(life.Alert.objects.get(kind=AlertKind.FAILURES).pk)


PAGES: Final[dict[str, Open]] = {
    "the overview": lambda client: page(client, "app_list", "deferapp"),
    "a function": lambda client: page(client, "deferapp_function", scene.MAIL),
    "a function of the code": lambda client: page(client, "deferapp_function", NAME),
    "executions": lambda client: page(client, "deferapp_execution_changelist"),
    "executions that failed": lambda client: page(client, "deferapp_execution_changelist", state="failed"),
    "an execution": lambda client: page(client, "deferapp_execution_change", a_failed_execution().pk),
    "one that waits": lambda client: page(client, "deferapp_execution_change", make_execution().pk),
    "schedules": lambda client: page(client, "deferapp_schedule_changelist"),
    "a schedule": lambda client: page(client, "deferapp_schedule_change", a_schedule().pk),
    "a frequency to be edited": lambda client: page(client, "deferapp_schedule_edit", a_schedule().pk),
    "due moments to be made up for": lambda client: page(client, "deferapp_schedule_backfill", a_schedule().pk),
    "alerts": lambda client: page(client, "deferapp_alert_changelist"),
    "an alert": lambda client: page(client, "deferapp_alert_change", an_alert()),
    "beat's row": lambda client: page(
        client, "django_celery_beat_periodictask_change", PeriodicTask.objects.order_by("name")[0].pk
    ),
    "workers": lambda client: page(client, "deferapp_worker_changelist"),
    "a worker": lambda client: page(client, "deferapp_worker_change", Worker.objects.all()[0].pk),
    "many to be retried": lambda client: page(client, "deferapp_execution_bulk", action="retry", state="failed"),
}


def test_no_page_shows_a_text_that_cannot_be_translated(superuser: Client, shop: None) -> None:
    pages = {name: open_it(superuser) for name, open_it in PAGES.items()}
    assert [name for name, html in pages.items() if html.count("⟦") < 10] == []
    assert {name: words for name, html in pages.items() if (words := foreign(html))} == {}


def test_the_overview_of_an_empty_ledger_shows_none_either(superuser: Client) -> None:
    assert foreign(PAGES["the overview"](superuser)) == []


def test_a_text_that_was_forgotten_is_seen() -> None:
    html = '<p title="⟦late⟧">⟦at <b>⟦08:00⟧</b>⟧ today</p><pre>code</pre><b aria-label="runs"></b>shop.defer.mail'
    assert foreign(html) == ["today", "runs"]
