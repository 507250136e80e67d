from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deferapp.admin.execution_list import changelist
from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Attempt, DueMoment, Execution, Schedule
from tests.unit.admin.pages import open_page, rows_of, text_of
from tests.unit.rows import make_execution


def listed(client: Client, **query: object) -> list[UUID]:
    """The ids of the executions in the list, from the top."""
    html = rows_of(open_page(client, "execution_changelist", **query))
    return [UUID(part[:36]) for part in html.split('<span class="deferapp-id" title="')[1:]]


def test_the_newest_execution_stands_on_top(viewer: Client) -> None:
    first, second, third = (make_execution() for _ in range(3))
    assert listed(viewer) == [third.pk, second.pk, first.pk]


def test_a_row_tells_state_times_and_parent(viewer: Client) -> None:
    moment = now()
    parent = make_execution("shop.defer.mail_all")
    child = make_execution(
        state=State.FAILED,
        attempt=3,
        parent=parent,
        due_at=moment,
        started_at=moment + timedelta(seconds=2.5),
        ended_at=moment + timedelta(seconds=2.73),
    )
    html = open_page(viewer, "execution_changelist", parent=parent.pk)
    for shown in ("✕ failed", "attempt 3", "2.5 s", "230 ms", f"…{parent.pk.hex[-8:]}", f"…{child.pk.hex[-8:]}"):
        assert shown in text_of(html)
    assert reverse("admin:deferapp_execution_change", args=[parent.pk]) in rows_of(html)


@pytest.mark.parametrize("state", State)
def test_every_state_is_a_word_with_a_sign(viewer: Client, state: State) -> None:
    make_execution(state=state)
    badge = rows_of(open_page(viewer, "execution_changelist")).partition('<span aria-hidden="true">')[2]
    sign, _, word = badge.partition("</span> ")
    assert len(sign) == 1
    assert word.startswith(str(state.label))


def test_an_execution_that_waits_tells_how_long_and_a_delayed_one_until_when(viewer: Client) -> None:
    make_execution(due_at=now() - timedelta(seconds=30))
    make_execution(due_at=now() + timedelta(hours=2, minutes=1, seconds=30))
    text = text_of(open_page(viewer, "execution_changelist"))
    assert "in 2 h 1 min" in text
    assert "30 s …" in text or "31 s …" in text


def test_the_list_is_filtered_by_state(viewer: Client) -> None:
    make_execution()
    failed = make_execution(state=State.FAILED)
    assert listed(viewer, state="failed") == [failed.pk]


def test_the_list_is_filtered_by_function_and_offers_those_of_the_ledger(viewer: Client) -> None:
    make_execution("shop.defer.mail")
    gone = make_execution("old.defer.gone")
    assert listed(viewer, function="old.defer.gone") == [gone.pk]
    html = open_page(viewer, "execution_changelist")
    assert "?function=old.defer.gone" in html
    assert "?function=shop.defer.mail" in html


def test_the_list_is_filtered_by_parent(viewer: Client) -> None:
    parent = make_execution()
    child = make_execution(parent=parent)
    assert listed(viewer, parent=parent.pk) == [child.pk]
    assert "By parent" in text_of(open_page(viewer, "execution_changelist", parent=parent.pk))


@pytest.mark.parametrize("parent", ["nonsense", "\x00", "' OR 1=1 --"])
def test_a_parent_that_is_no_id_has_no_children(viewer: Client, parent: str) -> None:
    make_execution()
    assert listed(viewer, parent=parent) == []


def test_the_list_is_filtered_by_whether_a_schedule_fired(viewer: Client) -> None:
    schedule = Schedule.objects.create(function="shop.defer.weekly", declared_frequency="@weekly", frequency="@weekly")
    called, fired = make_execution(), make_execution("shop.defer.weekly")
    DueMoment.objects.create(schedule=schedule, due_at=now(), decided_at=now(), execution=fired)
    DueMoment.objects.create(schedule=schedule, due_at=now() - timedelta(days=7), decided_at=now())
    assert listed(viewer, scheduled="yes") == [fired.pk]
    assert listed(viewer, scheduled="no") == [called.pk]


def test_search_finds_an_id_its_end_and_a_part_of_a_name(viewer: Client) -> None:
    mail, note = make_execution("shop.defer.mail"), make_execution("shop.defer.note")
    for text in (str(mail.pk), mail.pk.hex, mail.pk.hex[-8:], f"…{mail.pk.hex[-8:]}", "MAIL", f"mail {mail.pk}"):
        assert listed(viewer, q=text) == [mail.pk], text
    assert set(listed(viewer, q="shop.defer")) == {mail.pk, note.pk}
    for text in ("nothing", str(uuid4()), "mail note", "%", "_", "…"):
        assert listed(viewer, q=text) == [], text


def test_a_child_whose_parent_was_removed_says_so(viewer: Client) -> None:
    make_execution(parent_id=uuid4())
    assert "removed" in text_of(open_page(viewer, "execution_changelist"))


@pytest.mark.parametrize("lookup", ["arguments_json__contains", "result_json__startswith", "reason", "worker__node"])
def test_what_is_redacted_cannot_be_guessed_by_lookups(viewer: Client, lookup: str) -> None:
    make_execution()
    response = viewer.get(reverse("admin:deferapp_execution_changelist"), {lookup: "x"})
    assert response.status_code == 400


def test_the_number_of_queries_does_not_grow_with_the_list(viewer: Client) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            open_page(viewer, "execution_changelist")
        return [query["sql"] for query in captured.captured_queries]

    parent = make_execution("shop.defer.mail_all")
    for _ in range(51):
        make_execution(parent=parent)
    few = queries()
    for number in range(30):
        make_execution(f"shop.defer.f{number}", parent=make_execution(), state=State.STARTED)
    many = queries()
    assert len(many) == len(few) <= 7
    assert not any("arguments_json" in sql or "result_json" in sql for sql in many)


def test_no_query_counts_the_whole_table(viewer: Client) -> None:
    Execution.objects.bulk_create(Execution(function="f", due_at=now()) for _ in range(51))
    with CaptureQueriesContext(connection) as captured:
        open_page(viewer, "execution_changelist", _facets="True")
    counts = [query["sql"] for query in captured.captured_queries if "COUNT(" in query["sql"]]
    assert len(counts) == 1
    assert "LIMIT 10001" in counts[0]


def test_a_long_list_is_counted_up_to_a_limit_and_says_so(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changelist, "COUNT_LIMIT", 150)
    Execution.objects.bulk_create(Execution(function="f", due_at=now()) for _ in range(151))
    assert "150+ executions" in text_of(open_page(viewer, "execution_changelist"))
    assert "151 executions" not in text_of(open_page(viewer, "execution_changelist"))
    Execution.objects.filter(pk=Execution.objects.values("pk")[:1]).delete()
    assert "150 executions" in text_of(open_page(viewer, "execution_changelist"))


def links(html: str) -> dict[str, str]:
    """The addresses of the list's other pages, by `prev` and `next`."""
    found = re.findall(r'<a href="([^"]*)" rel="(prev|next)">', html)
    return {name: unescape(url) for url, name in found}


def test_one_goes_on_to_older_ones_and_back_and_meets_each_once(viewer: Client) -> None:
    Execution.objects.bulk_create(Execution(function="f", due_at=now()) for _ in range(120))
    everything = list(Execution.objects.values_list("pk", flat=True))
    address = reverse("admin:deferapp_execution_changelist")
    seen, query, html = [], "?function=f", ""
    while query:
        html = viewer.get(address + query).content.decode()
        seen += [UUID(part[:36]) for part in rows_of(html).split('<span class="deferapp-id" title="')[1:]]
        query = links(html).get("next", "")
        assert "function=f" in query or not query
    assert seen == everything
    html = viewer.get(address + links(html)["prev"]).content.decode()
    assert [part[:36] for part in rows_of(html).split('<span class="deferapp-id" title="')[1:]] == [
        str(pk) for pk in everything[50:100]
    ]
    assert links(html).keys() == {"prev", "next"}


def test_a_filter_begins_at_the_top(viewer: Client) -> None:
    Execution.objects.bulk_create(Execution(function="f", due_at=now()) for _ in range(60))
    html = open_page(viewer, "execution_changelist")
    html = viewer.get(reverse("admin:deferapp_execution_changelist") + links(html)["next"]).content.decode()
    filters = html.partition('id="changelist-filter"')[2]
    assert "state=failed" in filters
    assert "after=" not in filters


@pytest.mark.parametrize("cursor", ["nonsense", "\x00", "' OR 1=1 --", "W10="])
def test_a_cursor_that_is_none_leads_to_the_top(viewer: Client, cursor: str) -> None:
    execution = make_execution()
    for name in ("after", "before"):
        response = viewer.get(reverse("admin:deferapp_execution_changelist"), {name: cursor}, follow=True)
        assert str(execution.pk) in response.content.decode()


def test_the_words_of_the_search_box_filter_and_a_word_that_is_none_is_named(viewer: Client) -> None:
    make_execution("shop.defer.note")
    failed = make_execution("shop.defer.mail", state=State.FAILED, metadata={"tenant": "acme"})
    assert listed(viewer, q="state:failed fn:mail meta.tenant:acme since:1h") == [failed.pk]
    html = open_page(viewer, "execution_changelist", q="stat:failed")
    assert "stat:failed" in html.lower().partition('class="messagelist"')[2].partition("</ul>")[0]
    assert listed(viewer, q="stat:failed") == []


def test_the_list_is_filtered_by_the_error_of_the_last_attempt(viewer: Client) -> None:
    moment = now()
    other, same, retried = (make_execution(state=State.FAILED, attempt=2) for _ in range(3))
    Execution.objects.filter(pk=retried.pk).update(state=State.CREATED)
    for execution, keys in ((other, ("k1", "k2")), (same, ("k2", "k1")), (retried, ("k1", "k1"))):
        for number, key in enumerate(keys, 1):
            Attempt.objects.create(
                execution=execution,
                number=number,
                outcome="failed",
                started_at=moment,
                ended_at=moment,
                error_key=key,
            )
    assert listed(viewer, error="k1") == [same.pk]
    assert listed(viewer, error="k3") == []


def test_all_of_a_list_of_failures_are_offered_to_be_retried_by_those_who_may(staff: Callable[..., Client]) -> None:
    make_execution(state=State.FAILED)
    client = staff("view_execution", "retry_execution")
    html = open_page(client, "execution_changelist", state="failed", function="shop.defer.mail")
    url = reverse("admin:deferapp_execution_bulk") + "?action=retry&state=failed&function=shop.defer.mail"
    assert url.replace("&", "&amp;") in html
    assert "Retry all 1" in text_of(html)
    assert "Retry all" not in text_of(open_page(client, "execution_changelist"))
    User.objects.all().delete()
    assert "Retry all" not in text_of(open_page(staff("view_execution"), "execution_changelist", state="failed"))


def test_the_list_is_filtered_by_batch(viewer: Client) -> None:
    batch = uuid4()
    member = make_execution(batch=batch)
    make_execution()
    assert listed(viewer, batch=batch) == [member.pk]


def test_an_empty_list_says_so(viewer: Client) -> None:
    assert "0 executions" in text_of(open_page(viewer, "execution_changelist"))


@pytest.mark.parametrize("use_tz", [True, False])
def test_moments_are_in_the_viewers_time_zone(viewer: Client, settings: object, use_tz: bool) -> None:
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "America/New_York"  # type: ignore[attr-defined]
    execution = make_execution()
    Execution.objects.filter(pk=execution.pk).update(created_at="2026-01-05T08:00:00+00:00")
    html = open_page(viewer, "execution_changelist")
    assert "2026-01-05 03:00:00" in text_of(html)
    assert 'datetime="2026-01-05T08:00:00.000+00:00"' in html


def test_without_the_permission_there_is_nothing(staff: Callable[..., Client]) -> None:
    execution = make_execution()
    client = staff("view_user", "view_schedule")
    for url in (
        reverse("admin:deferapp_execution_changelist"),
        reverse("admin:deferapp_execution_change", args=[execution.pk]),
    ):
        assert client.get(url).status_code == 403
    assert reverse("admin:deferapp_execution_changelist") not in client.get(reverse("admin:index")).content.decode()
