from __future__ import annotations

import json
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deferapp.clock import now
from deferapp.executions.states import ErrorCode, State
from deferapp.models import Attempt, DueMoment, Execution, Schedule
from deferapp.redact import STARS
from tests.unit.admin.pages import open_page, text_of
from tests.unit.rows import make_execution, make_worker

SCRIPT = "</pre><script>alert(1)</script>"
TURNED = "\u202egnp.exe"


def page(client: Client, execution: Execution) -> str:
    return open_page(client, "execution_change", execution.pk)


def make_attempt(execution: Execution, number: int = 1, **fields: Any) -> Attempt:
    moment = now()
    values = {
        "outcome": Attempt.Outcome.FAILED,
        "worker": "celery@web 12",
        "started_at": moment,
        "ended_at": moment + timedelta(seconds=65),
        "error_code": ErrorCode.FUNCTION_FAILED,
        "error_type": "shop.Refused",
        "error_message": "no such street",
        "traceback": 'Traceback (most recent call last):\n  File "mail.py", line 3, in mail\nshop.Refused: no\n',
    }
    return Attempt.objects.create(execution=execution, number=number, **{**values, **fields})


def test_the_page_tells_of_a_failure_and_its_attempts(viewer: Client) -> None:
    execution = make_execution(
        state=State.FAILED, attempt=2, error_code=ErrorCode.FUNCTION_FAILED, reason="shop.Refused: no such street"
    )
    make_attempt(execution, 1, retry_at=now() + timedelta(seconds=30))
    make_attempt(execution, 2)
    text = text_of(page(viewer, execution))
    assert text.index("Attempt 2 ✕ failed ER0003 the function failed") < text.index("Attempt 1 ✕ failed")
    for shown in (
        "✕ failed",
        str(execution.pk),
        "took 1 min 5 s",
        "by celery@web 12",
        "next attempt",
        'File "mail.py"',
    ):
        assert shown.replace('"', "&quot;") in text


def test_the_attempt_that_runs_is_shown_with_its_worker(viewer: Client) -> None:
    worker = make_worker(node="celery@web", process="4711:9")
    text = text_of(page(viewer, make_execution(state=State.STARTED, attempt=1, started_at=now(), worker=worker)))
    assert "Attempt 1 ⟳ started" in text
    assert "celery@web 4711" in text


def test_an_error_leads_to_all_that_failed_like_this(viewer: Client) -> None:
    execution = make_execution(state=State.FAILED, attempt=1)
    make_attempt(execution, error_key="k1")
    url = reverse("admin:deferapp_execution_changelist") + "?error=k1"
    assert f'href="{url}"' in page(viewer, execution)
    assert "1 execution" in text_of(viewer.get(url).content.decode())


def test_arguments_have_the_names_of_the_signature(viewer: Client) -> None:
    execution = make_execution("tests.shop.defer.add", arguments_json='{"args":[1],"kwargs":{"second":2}}')
    assert "{ &quot;first&quot;: 1, &quot;second&quot;: 2 }" in text_of(page(viewer, execution))


def test_the_result_is_shown(viewer: Client) -> None:
    execution = make_execution(state=State.SUCCEEDED, result_json='{"sent":3,"secret":"x"}')
    text = text_of(page(viewer, execution))
    assert "&quot;sent&quot;: 3" in text
    assert STARS in text


def test_secrets_are_starred_out_everywhere(viewer: Client) -> None:
    execution = make_execution(
        state=State.FAILED,
        arguments_json='{"kwargs":{"password":"hunter2","user":[{"api_token":"hunter2"}]}}',
        metadata={"key": "hunter2", "tenant": "acme"},
        reason="refused: https://example.com/?token=hunter2",
    )
    make_attempt(execution, error_message="{'password': 'hunter2'}", traceback='send(api_key="hunter2")\n')
    html = page(viewer, execution)
    assert "hunter2" not in html
    assert html.count(STARS) == 6
    assert "acme" in html


def test_hostile_content_is_text(viewer: Client) -> None:
    hostile = SCRIPT + TURNED
    execution = make_execution(
        hostile,
        state=State.FAILED,
        arguments_json=json.dumps({"kwargs": {hostile: [hostile, "\ud800\x00"]}}),
        metadata={"a": hostile},
        reason=hostile,
        parent=make_execution(hostile),
    )
    make_attempt(execution, worker=hostile, error_type=hostile, error_message=hostile, traceback=hostile)
    for html in (page(viewer, execution), open_page(viewer, "execution_changelist", q=hostile, function=hostile)):
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html
        assert TURNED not in text_of(html)
        assert "\\u202egnp" in html


@pytest.mark.parametrize(
    "text", ["no json", "[" * 100_000, '{"args":3}', '{"args":[1', "[]", '{"$model":[1]}', "9" * 5000]
)
def test_arguments_that_cannot_be_read_are_shown_as_they_are(viewer: Client, text: str) -> None:
    shown = "".join(unescape(page(viewer, make_execution(arguments_json=text))).split())
    assert f">{text[:1000]}".replace(" ", "") in shown


def test_a_megabyte_of_arguments_is_cut_off_and_says_so(viewer: Client) -> None:
    execution = make_execution(arguments_json=json.dumps({"args": ["a" * 500_000, {"b": "c" * 500_000}]}))
    html = page(viewer, execution)
    assert len(html) < 100_000
    assert "The first 20,000 of 1,000,0" in html


def test_of_a_long_traceback_the_end_is_kept(viewer: Client) -> None:
    execution = make_execution(state=State.FAILED)
    make_attempt(execution, traceback="first line\n" + "x\n" * 20_000 + "last line\n")
    html = page(viewer, execution)
    assert "last line" in html
    assert "first line" not in html


def test_children_are_summed_up_by_state_with_links_to_their_lists(viewer: Client) -> None:
    parent = make_execution("shop.defer.mail_all")
    for state in (State.SUCCEEDED, State.SUCCEEDED, State.FAILED):
        make_execution(parent=parent, state=state)
    html = page(viewer, parent)
    assert "3/3 ✓ succeeded 2 ✕ failed 1 all 3" in text_of(html)
    url = reverse("admin:deferapp_execution_changelist") + f"?parent={parent.pk}&state=failed"
    assert url.replace("&", "&amp;") in html
    assert "1 execution" in text_of(viewer.get(url).content.decode())


def test_the_page_leads_to_the_parent_or_says_that_it_was_removed(viewer: Client) -> None:
    parent = make_execution("shop.defer.mail_all")
    assert f'href="/admin/deferapp/execution/{parent.pk}/change/"' in page(viewer, make_execution(parent=parent))
    assert "removed" in text_of(page(viewer, make_execution(parent_id=uuid4())))


def test_the_page_leads_to_the_schedule_that_fired(viewer: Client) -> None:
    schedule = Schedule.objects.create(function="shop.defer.weekly", declared_frequency="@weekly", frequency="@weekly")
    execution = make_execution("shop.defer.weekly")
    due_at = now().replace(2026, 1, 5, 8, 0)
    DueMoment.objects.create(schedule=schedule, due_at=due_at, decided_at=now(), execution=execution)
    html = page(viewer, execution)
    assert "the schedule, for 2026-01-05 08:00 UTC" in text_of(html)
    assert reverse("admin:deferapp_schedule_change", args=[schedule.pk]) in html


def test_the_page_leads_to_the_execution_that_it_runs_again(viewer: Client) -> None:
    first = make_execution(state=State.FAILED)
    assert first.pk.hex[-8:] in text_of(page(viewer, make_execution(rerun_of=first)))


def test_only_the_latest_attempts_are_shown(viewer: Client) -> None:
    execution = make_execution(state=State.FAILED, attempt=25)
    for number in range(1, 26):
        make_attempt(execution, number)
    text = text_of(page(viewer, execution))
    assert "Attempt 6 " in text
    assert "Attempt 5 " not in text
    assert "Older attempts are not shown." in text


def test_the_number_of_queries_is_bounded(viewer: Client) -> None:
    execution = make_execution(
        state=State.SUCCEEDED, result_json="1", parent=make_execution(), rerun_of=make_execution()
    )
    for number in range(1, 20):
        make_attempt(execution, number)
        make_execution(parent=execution, state=State(State.values[number % 8]))
    with CaptureQueriesContext(connection) as captured:
        page(viewer, execution)
    assert len(captured) <= 12


def test_an_unknown_execution_leads_back_with_a_message(viewer: Client) -> None:
    for unknown in (uuid4(), "nonsense"):
        response = viewer.get(reverse("admin:deferapp_execution_change", args=[unknown]), follow=True)
        assert "exist" in response.content.decode()
