from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deferapp.clock import now
from deferapp.models import Alert, AlertKind, Delivery
from tests.unit.admin.pages import open_page, rows_of, text_of


def make_alert(**fields: object) -> Alert:
    values = {"kind": AlertKind.BEAT_SILENT, "text": "No ring has come.", "opened_at": now() - timedelta(minutes=5)}
    return Alert.objects.create(**{**values, **fields})


def test_the_list_tells_what_is_wrong_and_what_was_the_latest_first(viewer: Client) -> None:
    make_alert(opened_at=now() - timedelta(hours=3), closed_at=now() - timedelta(hours=1))
    make_alert(open_key="beat_silent:")
    text = text_of('<div id="content-main">' + rows_of(open_page(viewer, "alert_changelist")))
    assert text.startswith("Beat is silent ✕ for 5 min")
    assert "✓ over after 2 h 0 min" in text


def test_a_page_says_what_to_do(viewer: Client) -> None:
    html = open_page(viewer, "alert_change", make_alert(subject="shop").pk)
    assert "<h2>Beat is silent: shop</h2>" in html
    assert "No ring has come." in text_of(html)


def test_hostile_texts_are_shown_harmlessly(viewer: Client) -> None:
    hostile = "<script>alert(1)</script>\u202e"
    alert = make_alert(subject=hostile, text=hostile)
    for html in (open_page(viewer, "alert_change", alert.pk), open_page(viewer, "alert_changelist")):
        assert "&lt;script&gt;" in html
        assert "<script>alert(1)" not in html
        assert "\u202e" not in text_of(html)


def test_the_number_of_queries_does_not_grow_with_the_alerts(viewer: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            open_page(viewer, "alert_changelist")
        return len(captured)

    make_alert()
    few = queries()
    for _ in range(10):
        make_alert()
    assert queries() == few <= 6


EXECUTION = "0192f0c1-2345-7890-abcd-0123456789ab"


def make_failures(**fields: object) -> Alert:
    details = {
        "function": "shop.defer.mail",
        "named": [{"execution": EXECUTION, "attempt": 1, "argument": "shop.Customer 7"}],
        "trace": 'File "shop/defer/mail.py", line 3',
        "parent": {"execution": EXECUTION, "function": "shop.defer.mail_all"},
        "schedule": "0 8 * * 1",
    }
    values = {"kind": AlertKind.FAILURES, "subject": "ValueError in shop.defer.mail", "count": 1000, "details": details}
    return make_alert(**{**values, **fields})


def test_what_is_open_comes_before_what_is_over_however_old_it_is(viewer: Client) -> None:
    make_alert(subject="new", closed_at=now())
    make_alert(subject="old", opened_at=now() - timedelta(days=3))
    text = rows_of(open_page(viewer, "alert_changelist"))
    assert text.index("old") < text.index("new")


def test_a_page_of_failures_names_whom_it_happened_to_and_leads_there(staff: Callable[..., Client]) -> None:
    client = staff("view_alert", "view_execution", "view_execution_values")
    html = open_page(client, "alert_change", make_failures().pk)
    text = text_of(html)
    assert "1,000" in text
    assert f"{EXECUTION} · shop.Customer 7" in text
    assert "and 999 more" in text
    assert "line 3" in text
    assert "shop.defer.mail_all" in text
    assert f"/admin/deferapp/execution/{EXECUTION}/change/" in html


def test_who_may_not_see_values_sees_no_argument_and_no_traceback(staff: Callable[..., Client]) -> None:
    text = text_of(open_page(staff("view_alert", "view_execution"), "alert_change", make_failures().pk))
    assert EXECUTION in text
    assert "Customer 7" not in text
    assert "line 3" not in text


def test_who_may_not_see_executions_gets_no_link_to_one(staff: Callable[..., Client]) -> None:
    html = open_page(staff("view_alert"), "alert_change", make_failures().pk)
    assert EXECUTION in html
    assert f"/execution/{EXECUTION}/" not in html


def test_messages_are_listed_with_what_became_of_them(viewer: Client) -> None:
    alert = make_alert()
    Delivery.objects.create(alert=alert, channel="slack", kind="opened", sent_at=now(), tries=1)
    Delivery.objects.create(alert=alert, channel="mail", kind="opened", error="HTTP 500: oops", tries=9)
    Delivery.objects.create(alert=alert, channel="slack", kind="update", due_at=now())
    Delivery.objects.create(alert=alert, channel="mail", kind="update", due_at=now(), tries=2)
    text = text_of(open_page(viewer, "alert_change", alert.pk))
    for words in ("opened slack", "✓ sent", "✕ given up HTTP 500: oops", "○ to be sent", "⟳ tried 2 times"):
        assert words in text
    assert "⟳ tried 2 times" in text_of('<div id="content-main">' + rows_of(open_page(viewer, "alert_changelist")))


def test_without_channels_a_page_says_so(viewer: Client) -> None:
    assert "Nobody." in text_of(open_page(viewer, "alert_change", make_alert().pk))


def test_who_may_not_see_alerts_sees_none(staff: Callable[..., Client]) -> None:
    client = staff("view_execution")
    assert client.get(f"/admin/deferapp/alert/{make_alert().pk}/change/").status_code == 403
