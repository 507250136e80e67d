"""Secrets in arguments, results, metadata and errors come out by no door that leads to people."""

from __future__ import annotations

import io
import json
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from deferapp.exceptions import DeferError, ExecutionFailed
from deferapp.executions.again import rerun
from deferapp.models import Attempt, Execution, Schedule, Worker
from deferapp.redact import STARS
from tests.unit.queue import MemoryQueue
from tests.unit.rows import make_worker
from tests.unit.security.functions import SECRET


def assert_safe(text: str) -> None:
    place = text.find(SECRET)
    assert place < 0, text[max(place - 200, 0) : place + 100]


def pages_of(executions: list[Execution]) -> list[str]:
    """The addresses of all of deferapp's pages that could tell of the executions."""
    lists = [reverse(f"admin:deferapp_{name}_changelist") for name in ("execution", "schedule", "worker")]
    queries = [
        {"q": "charge"},
        {"state": "failed"},
        {"function": executions[0].function},
        {"parent": str(executions[0].pk)},
        {"p": "1"},
        {"_popup": "1"},
    ]
    rows = [*executions, *Schedule.objects.all(), *Worker.objects.all()]
    names = {row: f"admin:deferapp_{row._meta.model_name}" for row in rows}
    return [
        *lists,
        *(f"{lists[0]}?{urlencode(query)}" for query in queries),
        *(reverse(f"{name}_{page}", args=[row.pk]) for row, name in names.items() for page in ("change", "history")),
    ]


def test_no_page_of_the_admin_shows_a_secret(secrets: list[Execution], sign_in: Callable[..., Client]) -> None:
    make_worker()
    Schedule.objects.create(function=secrets[0].function, declared_frequency="@weekly", frequency="@weekly")
    client = sign_in(is_superuser=True)
    for address in pages_of(secrets):
        response = client.get(address)
        assert response.status_code == 200, address
        assert_safe(response.content.decode())
    for execution, shown in zip(secrets, ("acme", "link", "sessions.Session"), strict=True):
        html = client.get(reverse("admin:deferapp_execution_change", args=[execution.pk])).content.decode()
        assert STARS in html
        assert shown in html


def test_no_query_of_the_list_tells_whether_a_secret_is_there(
    secrets: list[Execution], sign_in: Callable[..., Client]
) -> None:
    client, address = sign_in("view_execution"), reverse("admin:deferapp_execution_changelist")
    for name in ("arguments_json", "result_json", "metadata", "reason", "attempts__traceback", "limit_key"):
        for lookup in ("__contains", "__startswith", "__regex", ""):
            response = client.get(address, {f"{name}{lookup}": SECRET}, follow=True)
            assert response.status_code in (200, 400)
            assert b"3 executions" in response.content or response.status_code == 400
    assert b"0 executions" in client.get(address, {"q": SECRET}).content


def test_no_log_line_tells_a_secret(secrets: list[Execution], caplog: pytest.LogCaptureFixture) -> None:
    for record in caplog.records:
        if not record.name.startswith("django.db"):  # Django's own, of every statement, while DEBUG is on.
            assert_safe(caplog.handler.format(record))


@pytest.mark.parametrize(
    "command",
    ["show --all", "show --json", "executions", "executions --json", "retry", "cancel", "reschedule", "rerun"],
)
def test_no_command_prints_a_secret(secrets: list[Execution], command: str, queue: MemoryQueue) -> None:
    for execution in [*secrets, rerun(secrets[0])]:
        out = io.StringIO()
        try:
            call_command("defer", *command.split(), str(execution.id), stdout=out, stderr=out)
        except CommandError as error:
            out.write(str(error))
        assert str(execution.id) in out.getvalue()
        assert_safe(out.getvalue())


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize(
    "url", ["redis://ada:{}@127.0.0.1:1/0", "redis://:{}#@127.0.0.1:1/0", "amqp://ada:{}@127.0.0.1:1//"]
)
def test_the_doctor_tells_no_secret_of_executions_and_brokers(
    secrets: list[Execution], use_broker: Callable[[str], None], url: str, options: list[str]
) -> None:
    use_broker(url.format(SECRET))
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("defer", "doctor", *options, stdout=out, stderr=out)
    assert "broker" in out.getvalue()
    assert_safe(out.getvalue())


def test_the_page_for_load_balancers_tells_states_alone(
    secrets: list[Execution], use_broker: Callable[[str], None]
) -> None:
    from django.test import RequestFactory

    from deferapp.health.views import health

    use_broker(f"redis://ada:{SECRET}@127.0.0.1:1/0")
    told = json.loads(health(RequestFactory().get("/health/?all")).content)
    assert set(told) == {"status", "database", "broker", "worker", "beat"}
    assert set(told.values()) <= {"ok", "not ok"}


def test_the_error_that_a_result_is_asked_for_with_tells_no_secret(secrets: list[Execution]) -> None:
    """It ends in the log of whoever asks."""
    with pytest.raises(ExecutionFailed) as failed:
        _ = secrets[0].result
    text = "".join(traceback.format_exception(failed.value))
    assert_safe(text + failed.value.traceback + repr(failed.value))
    assert "cannot charge ada" in text
    assert "in charge" in failed.value.traceback
    with pytest.raises(DeferError) as discarded:
        _ = secrets[2].result
    assert_safe(str(discarded.value))


def test_no_str_or_repr_tells_a_secret(secrets: list[Execution]) -> None:
    rows = [*secrets, *Attempt.objects.all()]
    assert_safe("".join(f"{row} {row!r}" for row in rows))


def test_a_message_holds_no_secret(secrets: list[Execution], queue: MemoryQueue) -> None:
    again = rerun(secrets[0])
    (sent,) = queue.take()
    assert sent.ids == [again.id]
    assert_safe(json.dumps([sent.task, sent.args, sent.kwargs]))


@pytest.mark.parametrize(
    "settings",
    [
        {"DEFER": {"PUBLISH_TIMEOUT": f"redis://:{SECRET}@broker/0", "LIST_SIZE": [SECRET], "TOKEN": SECRET}},
        {"DEFER": SECRET},
        {"CELERY_BROKER_URL": f"redis://:{SECRET}@broker/0", "SECRET_KEY": SECRET},
    ],
)
def test_no_check_tells_what_stands_in_settings(settings: dict[str, Any]) -> None:
    from django.test import override_settings

    with override_settings(**settings):
        messages = checks.run_checks(tags=["compatibility", "security"])
    assert_safe("".join(str(message) for message in messages))
