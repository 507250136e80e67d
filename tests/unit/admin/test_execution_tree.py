"""The family of an execution on its page: counted by state, bounded, those that failed first."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deferapp.admin.execution_page import tree
from deferapp.admin.execution_page.tree import Family
from deferapp.clock import now
from deferapp.executions.states import ENDED, State
from deferapp.models import Execution
from tests.unit.admin.pages import open_page, text_of
from tests.unit.rows import make_execution


def make_children(parent: Execution, **counts: int) -> None:
    Execution.objects.bulk_create(
        Execution(
            function="shop.defer.mail",
            parent=parent,
            state=state,
            due_at=now(),
            ended_at=now() if state in ENDED else None,
            reason=f"because of {state}",
        )
        for state, count in counts.items()
        for _ in range(count)
    )


def page(client: Client, execution: Execution) -> str:
    return open_page(client, "execution_change", execution.pk)


def test_the_numbers_of_each_state_stand_beside_the_bar_and_in_words(viewer: Client) -> None:
    parent = make_execution("shop.defer.mail_all")
    make_children(parent, succeeded=35, failed=2, started=3)
    html = page(viewer, parent)
    assert "37/40" in text_of(html)
    assert 'aria-label="✓ 35 succeeded, ✕ 2 failed, ⟳ 3 started"' in html
    assert f"?parent={parent.pk}&amp;state=started" in html


def test_those_that_failed_come_first_with_their_reason(viewer: Client) -> None:
    parent = make_execution("shop.defer.mail_all")
    make_children(parent, succeeded=5, started=9, failed=30)
    text = text_of(page(viewer, parent)).partition("Reason")[2]
    assert text.count("because of failed") == tree.FAILED_SHOWN
    assert text.count("because of started") == tree.RUNNING_SHOWN
    assert text.index("because of failed") < text.index("because of started")
    assert "because of succeeded" not in text


def test_of_a_large_family_the_first_are_counted_and_the_page_says_so(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "MOST", 20)
    parent = make_execution("shop.defer.mail_all")
    make_children(parent, succeeded=18, failed=7)
    with CaptureQueriesContext(connection) as captured:
        html = page(viewer, parent)
    assert "/20+" in text_of(html)
    (count,) = [query["sql"] for query in captured.captured_queries if "COUNT(" in query["sql"]]
    assert "LIMIT 21" in count


def test_what_was_enqueued_together_is_shown_on_the_page_of_each(viewer: Client) -> None:
    batch = uuid4()
    member = make_execution(batch=batch)
    make_execution(batch=batch, state=State.FAILED, reason="no such street")
    html = page(viewer, member)
    assert "Enqueued together" in text_of(html)
    assert "1/2" in text_of(html)
    assert "no such street" in text_of(html)
    assert f"?batch={batch}" in html
    assert "Children" not in text_of(html)


def test_the_failed_children_are_retried_by_those_who_may(staff: Callable[..., Client], viewer: Client) -> None:
    parent = make_execution("shop.defer.mail_all")
    make_children(parent, succeeded=1, failed=3)
    make_execution(state=State.FAILED)
    assert "Retry the" not in page(viewer, parent)
    User.objects.all().delete()
    client = staff("view_execution", "retry_execution")
    assert "Retry the 3 that failed" in page(client, parent)
    url = reverse("admin:deferapp_execution_bulk")
    form = {"action": "retry", "parent": str(parent.pk), "wish": uuid4().hex}
    response = client.post(url, form, follow=True)
    assert "Retry: 3 executions." in response.content.decode()
    assert response.redirect_chain[-1][0] == reverse("admin:deferapp_execution_change", args=[parent.pk])
    client.post(url, form)
    states = Execution.objects.filter(parent=parent).values_list("state", flat=True)
    assert sorted(states) == ["created", "created", "created", "succeeded"]
    assert Execution.objects.filter(state=State.FAILED).count() == 1
    assert text_of(page(client, parent)).count("Retry 3 executions") == 1


def family(**counts: int) -> Family:
    return Family(by_state={State(state): count for state, count in counts.items()})


@pytest.mark.parametrize(
    "counts", [{"succeeded": 1}, {"succeeded": 49_999, "failed": 1}, dict.fromkeys(State.values, 1), {"created": 3}]
)
def test_the_bar_is_full_and_no_state_vanishes(counts: dict[str, int]) -> None:
    parts = tree.bar(family(**counts))
    widths = [float(part["width"].rstrip("%")) for part in parts]
    assert sum(widths) == pytest.approx(100, abs=0.01)
    assert min(widths) >= 0.5
    assert [part["state"] for part in parts] == list(counts)


def test_a_family_is_complete_when_all_have_ended() -> None:
    assert family(succeeded=2, failed=1, cancelled=1).has_ended
    assert not family(succeeded=2, aborting=1).has_ended


def test_the_page_keeps_itself_up_to_date_until_all_have_ended(viewer: Client) -> None:
    parent = make_execution("shop.defer.mail_all", state=State.SUCCEEDED)
    make_children(parent, succeeded=1)
    assert "data-deferapp-live" not in page(viewer, parent)
    make_children(parent, started=1)
    assert "data-deferapp-live" in page(viewer, parent)
    assert "data-deferapp-live" in page(viewer, make_execution(state=State.STARTED, attempt=1, started_at=now()))
