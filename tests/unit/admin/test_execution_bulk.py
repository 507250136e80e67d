"""Doing something to all that match, by the pages: asked for with the number, then done, and its progress shown."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from deferapp.clock import now
from deferapp.executions import bulk
from deferapp.executions.states import State
from deferapp.models import BulkChange, Execution

pytestmark = pytest.mark.usefixtures("queue")

HOSTILE = "\"'></pre><script>alert(1)</script>\u202egnp.exe"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 10)


@pytest.fixture
def operator(staff: Callable[..., Client]) -> Client:
    return staff("view_execution", "retry_execution")


def make_many(count: int, function: str = "shop.defer.mail", state: str = State.FAILED) -> None:
    moment = now()
    Execution.objects.bulk_create(
        Execution(function=function, state=state, due_at=moment, created_at=moment, ended_at=moment)
        for _ in range(count)
    )


def ask(client: Client, **query: str) -> str:
    response = client.get(reverse("admin:deferapp_execution_bulk"), query)
    assert response.status_code == 200
    return str(response.content.decode())


def test_all_that_match_are_chosen_in_the_list_asked_for_and_done(operator: Client) -> None:
    make_many(12)
    make_many(3, "shop.defer.note")
    url = reverse("admin:deferapp_execution_changelist") + "?function=shop.defer.mail&q=state%3Afailed"
    some = Execution.objects.first()
    assert some is not None
    chosen = {"action": "retry", "_selected_action": [str(some.pk)], "index": "0", "select_across": "1"}
    response = operator.post(url, chosen, follow=True)
    html = response.content.decode()
    assert "Retry 12 executions: state:failed, function shop.defer.mail?" in html
    assert not BulkChange.objects.exists()
    form = {"action": "retry", "function": "shop.defer.mail", "q": "state:failed", "wish": uuid4().hex}
    assert all(f'name="{name}"' in html for name in form)
    response = operator.post(reverse("admin:deferapp_execution_bulk"), form, follow=True)
    assert "0 of 12 done." in response.content.decode()
    assert "data-deferapp-live" in response.content.decode()
    again = operator.post(reverse("admin:deferapp_execution_bulk"), form, follow=True)
    assert again.redirect_chain == response.redirect_chain
    while BulkChange.objects.filter(ended_at=None).exists():
        bulk.work()
    html = operator.get(response.redirect_chain[-1][0]).content.decode()
    assert "12 of 12 done." in html
    assert "data-deferapp-live" not in html
    assert Execution.objects.filter(state=State.CREATED).count() == 12
    (entry,) = LogEntry.objects.all()
    assert entry.get_change_message() == "Retry 12 executions: state:failed, function shop.defer.mail"


def test_the_number_is_counted_up_to_a_limit_and_the_page_says_so(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST_COUNTED", 10)
    make_many(11)
    html = ask(operator, action="retry")
    assert "Retry 10+ executions" in html
    assert "There are more than 10" in html


def test_where_nothing_matches_there_is_nothing_to_confirm(operator: Client) -> None:
    make_many(2, state=State.SUCCEEDED)
    html = ask(operator, action="retry")
    assert "there is nothing to do" in html
    assert 'type="submit" class="button default' not in html


def test_a_few_are_done_at_once_and_one_comes_back_to_the_list(operator: Client) -> None:
    make_many(4)
    form = {"action": "retry", "function": "shop.defer.mail", "wish": uuid4().hex}
    response = operator.post(reverse("admin:deferapp_execution_bulk"), form, follow=True)
    assert response.redirect_chain[-1][0].endswith("/deferapp/execution/?function=shop.defer.mail")
    assert "Retry: 4 executions." in response.content.decode()


@pytest.mark.parametrize("action", ["cancel", "abort"])
def test_another_action_wants_another_permission(action: str, operator: Client) -> None:
    make_many(2, state=bulk.FROM[action])
    url = reverse("admin:deferapp_execution_bulk")
    assert operator.get(url, {"action": action}).status_code == 403
    assert operator.post(url, {"action": action}).status_code == 403
    assert not BulkChange.objects.exists()


def test_the_progress_is_shown_to_those_who_may_view(operator: Client, client: Client) -> None:
    change = bulk.start(bulk.planned("retry", {}, id=uuid4(), by="ada"))
    url = reverse("admin:deferapp_execution_bulk_progress", args=[change.pk])
    assert client.get(url).status_code == 302
    assert operator.get(url).status_code == 200
    assert operator.get(reverse("admin:deferapp_execution_bulk_progress", args=[uuid4()])).status_code == 404


@pytest.mark.parametrize("action", ["", "delete", "\x00", HOSTILE])
def test_an_action_that_is_none_is_not_found(action: str, operator: Client) -> None:
    assert operator.get(reverse("admin:deferapp_execution_bulk"), {"action": action}).status_code == 404


def test_hostile_filters_are_text_and_a_search_that_is_none_leads_back(operator: Client) -> None:
    make_many(1, HOSTILE)
    html = ask(operator, action="retry", function=HOSTILE)
    assert "<script>alert" not in html
    assert "\\u202egnp" in html
    response = operator.get(reverse("admin:deferapp_execution_bulk"), {"action": "retry", "q": "stat:x"}, follow=True)
    assert "is no word of a search" in response.content.decode()
