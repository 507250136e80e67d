"""A real worker that Sentry, OpenTelemetry and a log in JSON watch, with Celery tasks that are observed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Project, ProjectMaker
from tests.waiting import wait_until

SECONDS = 60.0
WORK = "tests.watched.defer.work"
TASKS = "celery:tests.watched.tasks"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "deferapp.watching.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
CODE = """
from tests.watched.defer.work import work
from tests.watched.tasks import send
work(1)
work(-1)
send.delay(-1)
"""
DIE = "from tests.watched.tasks import die\ndie.delay()"
"""Afterwards: what a process has observed in its last second goes with it."""


@pytest.fixture
def watched(make_project: ProjectMaker, tmp_path: Path) -> Iterator[Project]:
    settings = {
        "EXTRA_APPS": ["tests.watched"],
        "DEFER": {"OBSERVE_CELERY_TASKS": True},
        "LOGGING": LOGGING,
        "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
    }
    with make_project(tmp_path, **settings) as project:
        yield project


def _told(project: Project, kind: str) -> list[Any]:
    path = Path(f"{project.witness.path}.{kind}")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _counted(project: Project) -> dict[tuple[str, str], int]:
    rows = project.query(
        "SELECT function, outcome, count FROM deferapp_tally WHERE span = 'ever' ORDER BY function, outcome"
    )
    return {(function, outcome): count for function, outcome, count in rows}


def _spans(project: Project, word: str) -> list[Any]:
    return [span for span in _told(project, "spans") if span["name"].startswith(word)]


def test_what_happens_is_told_once_to_each_that_watches(watched: Project) -> None:
    worker = watched.worker("prefork", 2)
    watched.python(CODE)
    expected = {
        (f"{TASKS}.send", "failed"): 1,
        (f"{TASKS}.send", "succeeded"): 1,
        (WORK, "failed"): 1,
        (WORK, "succeeded"): 1,
    }
    wait_until(lambda: _counted(watched) == expected, SECONDS, "functions and tasks are counted")
    watched.python(DIE)
    expected[f"{TASKS}.die", "failed"] = 1
    wait_until(lambda: _counted(watched) == expected, SECONDS, "the task that has killed its process is counted")
    executions: dict[str, Any] = dict(watched.query("SELECT state, id FROM deferapp_execution"))

    ((waits,),) = watched.query(
        "SELECT waits FROM deferapp_tally WHERE span = 'ever' AND function LIKE 'celery:%' AND outcome = 'succeeded'"
    )
    assert sum(waits.values()) == 1, "it is known how long the task waited"
    failures = dict(watched.query("SELECT function, error_type FROM deferapp_observedfailure"))
    assert failures == {f"{TASKS}.send": "ValueError", f"{TASKS}.die": "billiard.exceptions.WorkerLostError"}
    alerts = watched.query("SELECT subject FROM deferapp_alert WHERE kind = 'failures' ORDER BY subject")
    assert [subject for (subject,) in alerts] == [
        f"LookupError in {WORK}",
        f"ValueError in {TASKS}.send",
        f"WorkerLostError in {TASKS}.die",
    ]

    events = [event for event in _told(watched, "sentry") if "exception" in event]
    raised = [event["exception"]["values"][0] for event in events]
    assert [each["type"] for each in raised if each["type"] == "LookupError"] == ["LookupError"]
    of_work = next(event for event in events if event["exception"]["values"][0]["type"] == "LookupError")
    assert of_work["tags"]["deferapp.execution_id"] == str(executions["failed"])
    assert of_work["transaction"] == WORK

    wait_until(lambda: len(_spans(watched, "process")) == 2, SECONDS, "both attempts are told as spans")
    created = {span["context"]["span_id"] for span in _spans(watched, "create")}
    runs = {span["context"]["span_id"] for span in _spans(watched, f"run/{WORK}")}
    for span in _spans(watched, "process"):
        (link,) = span["links"]
        assert link["context"]["span_id"] in created
        assert span["parent_id"] in runs

    lines = [json.loads(line) for line in worker.log().splitlines() if line.startswith('{"time"')]
    said = {line["message"]: line.get("execution_id") for line in lines if line["logger"] == "tests.watched"}
    assert said == {
        "working on 1": str(executions["succeeded"]),
        "working on -1": str(executions["failed"]),
    }
