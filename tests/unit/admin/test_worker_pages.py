from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Housekeeping
from tests.unit.admin.pages import open_page, rows_of, text_of
from tests.unit.rows import make_execution, make_worker


def test_a_row_tells_who_is_alive_and_what_it_runs(viewer: Client) -> None:
    worker = make_worker(node="celery@web", process="4711:99", pool="prefork")
    for state in (State.STARTED, State.ABORTING, State.SUCCEEDED):
        make_execution(state=state, worker=worker)
    Housekeeping.objects.update_or_create(
        pk=1, defaults={"worker": worker, "lease_until": now() + timedelta(minutes=5)}
    )
    row = text_of('<div id="content-main">' + rows_of(open_page(viewer, "worker_changelist")))
    assert row.startswith("celery@web 4711 prefork ● alive")
    assert row.endswith("2 ✓ yes")


def test_a_worker_that_was_not_heard_is_silent(viewer: Client) -> None:
    make_worker(heartbeat_at=now() - timedelta(seconds=130))
    text = text_of(open_page(viewer, "worker_changelist"))
    assert "○ silent 2 min 1" in text


def test_the_page_leads_to_the_executions_that_it_holds(viewer: Client) -> None:
    worker = make_worker()
    held = make_execution(state=State.STARTED, worker=worker, started_at=now())
    html = open_page(viewer, "worker_change", worker.pk)
    assert reverse("admin:deferapp_execution_change", args=[held.pk]) in html
    assert "● alive" in text_of(html)


def test_a_worker_that_holds_nothing_has_a_page(viewer: Client) -> None:
    assert "Executions that it holds None." in text_of(open_page(viewer, "worker_change", make_worker().pk))


def test_the_number_of_queries_does_not_grow_with_the_workers(viewer: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            open_page(viewer, "worker_changelist")
        return len(captured)

    make_worker()
    few = queries()
    for _ in range(10):
        make_execution(state=State.STARTED, worker=make_worker())
    assert queries() == few <= 6
