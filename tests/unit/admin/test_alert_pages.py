from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deferapp.clock import now
from deferapp.models import Alert, AlertKind
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
    text = text_of(open_page(viewer, "alert_change", make_alert(subject="shop").pk))
    assert "Beat is silent: shop" in text
    assert "No ring has come." in text


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
