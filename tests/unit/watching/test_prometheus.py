"""The page for Prometheus, read by Prometheus's own parsers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from prometheus_client import openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as families

from deferapp import defer
from deferapp.clock import now
from deferapp.models import Alert, AlertKind, Tally, TallyEntry
from deferapp.tallies import fold
from deferapp.watching.prometheus import UPPER_BOUNDS, metrics
from tests.unit.rows import MINUTE, SECOND, make_execution, make_worker

pytestmark = pytest.mark.django_db

urlpatterns = [path("metrics/", metrics)]

TOKEN = {"Authorization": "Bearer of-the-tests"}


@pytest.fixture(autouse=True)
def _page(settings: LazySettings, empty_registry: None) -> None:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    settings.DEFER = {"METRICS_TOKEN": "of-the-tests"}


def note(outcome: str = "succeeded", duration: timedelta | None = SECOND, **fields: Any) -> None:
    values = {"function": "shop.defer.mail", "ended_at": now(), "execution_id": uuid4(), "wait": SECOND}
    TallyEntry.objects.create(**{**values, "outcome": outcome, "duration": duration, **fields})


def ask(**headers: str) -> dict[tuple[str, ...], float]:
    """The samples, by name and values of labels."""
    answer = Client().get("/metrics/", headers={**TOKEN, **headers})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    parse = openmetrics_families if "openmetrics" in answer["Content-Type"] else families
    samples = [sample for family in parse(answer.content.decode()) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_what_ended_is_counted_by_function_and_outcome() -> None:
    for outcome in ("succeeded", "succeeded", "retried", "failed"):
        note(outcome)
    note("cancelled", duration=None, wait=None)
    fold.fold()
    found = ask()
    assert {key[2]: value for key, value in found.items() if key[0] == "deferapp_executions_ended_total"} == {
        "succeeded": 2,
        "failed": 1,
        "cancelled": 1,
        "discarded": 0,
    }
    assert found["deferapp_attempts_retried_total", "shop.defer.mail"] == 1
    assert found["deferapp_attempt_duration_seconds_count", "shop.defer.mail"] == 4


def test_counters_grow_and_never_fall_when_tallies_are_pruned(settings: LazySettings) -> None:
    note(ended_at=now() - timedelta(days=1000))
    note(ended_at=now() - timedelta(days=729))
    fold.fold()
    Tally.objects.exclude(span="ever").delete()
    fold.prune()
    note()
    fold.fold()
    assert ask()["deferapp_executions_ended_total", "shop.defer.mail", "succeeded"] == 3


def test_a_function_that_has_not_run_has_zeros_so_that_its_first_failure_is_an_increase() -> None:
    function = defer(_plain)
    assert ask()["deferapp_executions_ended_total", function.name, "failed"] == 0


def _plain() -> None: ...


def test_buckets_are_cumulative_and_hold_nothing_that_took_longer() -> None:
    for seconds in (0.002, 0.7, 0.9, 20, 7200):
        note(duration=timedelta(seconds=seconds))
    fold.fold()
    found = ask()
    name = "deferapp_attempt_duration_seconds_bucket"
    buckets = {float(key[2]): value for key, value in found.items() if key[0] == name}
    counted = {bound: buckets[bound] for bound in (0.01, 0.5, 1, 10, 30, 3600, float("inf"))}
    assert counted == {0.01: 1, 0.5: 1, 1: 3, 10: 3, 30: 4, 3600: 4, float("inf"): 5}
    assert sorted(buckets) == [*UPPER_BOUNDS, float("inf")]
    assert found["deferapp_attempt_duration_seconds_sum", "shop.defer.mail"] == pytest.approx(7221.6, rel=0.05)


def test_what_waits_and_runs_is_told_by_queue() -> None:
    for state in ("created", "created", "started"):
        make_execution(state=state, due_at=now() - MINUTE)
    found = ask()
    assert found["deferapp_executions_waiting", "celery"] == 2
    assert found["deferapp_executions_running", "celery"] == 1
    assert 60 <= found["deferapp_oldest_wait_seconds", "celery"] < 600


def test_workers_beat_and_open_alerts_are_told() -> None:
    make_worker(slots=4, supervisor="7:1", process="7:1")
    moment = now()
    Alert.objects.create(kind=AlertKind.QUEUE_OLD, text="Old", open_key="a", opened_at=moment, last_at=moment)
    found = ask()
    assert found["deferapp_workers",] == 1
    assert found["deferapp_worker_slots",] == 4
    assert found["deferapp_beat_silent",] == 0
    assert {key[1]: value for key, value in found.items() if key[0] == "deferapp_alerts_open" and value} == {
        "queue_old": 1
    }


def test_openmetrics_is_told_to_who_asks_for_it() -> None:
    note()
    fold.fold()
    found = ask(Accept="application/openmetrics-text; version=1.0.0")
    assert found["deferapp_executions_ended_total", "shop.defer.mail", "succeeded"] == 1
    answer = Client().get("/metrics/", headers={**TOKEN, "Accept": openmetrics.exposition.CONTENT_TYPE_LATEST})
    assert answer.content.endswith(b"# EOF\n")


def test_names_end_with_their_unit_or_say_what_is_counted() -> None:
    note()
    text = Client().get("/metrics/", headers=TOKEN).content.decode()
    for family in families(text):
        assert family.name.startswith("deferapp_")
        assert family.documentation.endswith(".")
        assert family.name.endswith("_seconds") or family.type in {"counter", "gauge"}


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer of-the-test", "of-the-tests", "Basic of-the-tests"])
def test_without_the_token_nothing_is_told(shown: str) -> None:
    answer = Client().get("/metrics/", headers={"Authorization": shown} if shown else {})
    assert answer.status_code == 403
    assert b"deferapp_" not in answer.content


def test_where_no_token_is_set_none_opens_it(settings: LazySettings) -> None:
    settings.DEFER = {}
    assert [Client().get("/metrics/", headers={"Authorization": shown}).status_code for shown in ("", "Bearer ")] == [
        403,
        403,
    ]


def test_who_may_view_executions_may_read_it_and_other_users_may_not() -> None:
    user = User.objects.create_user("ada")
    client = Client()
    client.force_login(user)
    assert client.get("/metrics/").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_execution"))
    assert client.get("/metrics/").status_code == 200


def test_only_reading_is_answered() -> None:
    assert Client().post("/metrics/", headers=TOKEN).status_code == 405


def test_an_answer_takes_as_many_queries_however_much_there_is() -> None:
    with CaptureQueriesContext(connection) as few:
        ask()
    for number in range(20):
        note(function=f"shop.defer.f{number}")
        make_execution(f"shop.defer.f{number}")
    fold.fold()
    with CaptureQueriesContext(connection) as many:
        ask()
    assert len(many) == len(few) <= 8
