"""The whole way: a worker's functions fail, and a server that plays Slack is told, also by the worker after a kill."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.processes import Project
from tests.slack import Slack, slack
from tests.waiting import wait_until

FAIL = "from tests.shop.defer.fail import fail\n"
CHILDREN = 30


@pytest.fixture
def server() -> Iterator[Slack]:
    with slack() as server:
        yield server


@pytest.fixture
def alerting(project: Project, server: Slack) -> Project:
    """A project that tells Slack, and whose functions fail for good at once."""
    project.settings["DEFER"] = {
        "ALERTS": [{"slack": server.webhook}],
        "ENVIRONMENT": "tests",
        "SITE_URL": "https://shop.example",
        "RETRY": False,
    }
    return project


def counted(project: Project) -> int:
    return int(project.query("SELECT COALESCE(SUM(count), 0) FROM deferapp_alert WHERE kind = 'failures'")[0][0])


def test_a_fan_out_that_fails_is_one_message(alerting: Project, server: Slack) -> None:
    alerting.worker("prefork", 2)
    alerting.python(f"{FAIL}fail.map(['no'] * {CHILDREN})")
    wait_until(lambda: counted(alerting) == CHILDREN, 60, "all failures are counted")
    wait_until(lambda: bool(server.messages), 30, "Slack is told")
    alerting.python("from deferapp.alerts import plan\nplan.look()")
    assert len(server.headers) == 1
    assert "in tests.shop.defer.fail.fail" in server.headers[0] or "tests.shop.defer.fail" in server.headers[0]
    text = server.texts()
    assert "https://shop.example/admin/deferapp/execution/" in text
    assert "tests" in text
    assert json.dumps(server.messages).count("/services/") == 0


def test_a_worker_that_is_killed_while_slack_hangs_forgets_nothing(alerting: Project, server: Slack) -> None:
    server.hangs.set()
    worker = alerting.worker("prefork", 2)
    alerting.python(f"{FAIL}fail('no')")
    wait_until(lambda: bool(server.asked), 60, "Slack is asked")
    worker.kill()
    server.hangs.clear()
    server.released.set()
    # Who was killed might have been told by now: nobody tries before its minute is over.
    alerting.query("UPDATE deferapp_delivery SET due_at = now() - interval '1 second' RETURNING id")
    alerting.worker("prefork", 2)
    wait_until(lambda: bool(server.messages), 60, "Slack is told by the next worker")
    sent = alerting.query("SELECT tries, sent_at IS NOT NULL FROM deferapp_delivery")
    wait_until(
        lambda: alerting.query("SELECT tries, sent_at IS NOT NULL FROM deferapp_delivery") == [(2, True)], 20, str(sent)
    )
    assert len(server.messages) == 1


def test_a_slack_that_hangs_delays_no_execution(alerting: Project, server: Slack) -> None:
    server.hangs.set()
    alerting.worker("prefork", 2)
    alerting.python(f"{FAIL}fail('no')")
    wait_until(lambda: bool(server.asked), 60, "Slack is asked")
    alerting.python("from tests.shop.defer.note import note\n[note(str(number)) for number in range(20)]")
    wait_until(lambda: len(alerting.witness.lines()) == 20, 20, "all others run meanwhile")
    assert server.messages == []
