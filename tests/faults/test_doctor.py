"""`manage.py defer doctor` names what is wrong, and nothing else: each fault is caused, and the doctor asked."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Process, Project, ProjectMaker
from tests.servers import RedisServer
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("doctor")

ANSWER_SECONDS = 30.0
"""How soon what a worker tells of itself, or a fault, is seen: generous, since the machine may be busy."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the doctor said."""

    exit_code: int
    findings: dict[str, dict[str, Any]]
    """By id."""
    looks: list[dict[str, Any]]
    seconds: float

    @property
    def ids(self) -> list[str]:
        return sorted(self.findings)


def ask(project: Project, *options: str) -> subprocess.CompletedProcess[str]:
    return project.finish("-m", "django", "defer", "doctor", *options)


def examine(project: Project) -> Report:
    begun = time.monotonic()
    done = ask(project, "--json")
    seconds = time.monotonic() - begun
    assert done.stdout, done.stderr
    said = json.loads(done.stdout)
    findings = {finding["id"]: finding for finding in said["findings"]}
    return Report(exit_code=done.returncode, findings=findings, looks=said["looks"], seconds=seconds)


def is_found(project: Project, *ids: str) -> Report:
    """Ask until the doctor finds exactly these: it takes a moment until a fault has come to pass."""
    reports: list[Report] = []

    def finds_them() -> bool:
        reports.append(examine(project))
        return reports[-1].ids == sorted(ids)

    wait_until(finds_them, ANSWER_SECONDS, lambda: f"the doctor finds {ids}, and not {reports[-1].findings}")
    return reports[-1]


def attended(project: Project, pool: str = "threads", *options: str) -> Process:
    """A worker that has told of itself, and keeps house: all is as the doctor wants it."""
    worker = project.worker(pool, 2, *options)
    told = "SELECT 1 FROM deferapp_worker WHERE queues IS NOT NULL"
    kept = "SELECT 1 FROM deferapp_housekeeping WHERE lease_until > now()"
    wait_until(lambda: project.query(told) and project.query(kept), ANSWER_SECONDS, "the worker tells of itself")
    return worker


def advice(report: Report, id: str) -> str:
    return "\n".join(report.findings[id]["remedy"])


def call(project: Project, function: str, *calls: str) -> None:
    """Enqueue executions, by the arguments of their calls."""
    module = function if "." in function else f"tests.shop.defer.{function}"
    name = module.rpartition(".")[2]
    project.python(f"from {module} import {name}\n" + "\n".join(f"{name}({arguments})" for arguments in calls))


def clear(project: Project) -> None:
    for table in ("execution", "attempt"):
        project.query(f"DELETE FROM deferapp_{table} RETURNING 1")


def open_gate(project: Project, name: str) -> None:
    Path(f"{project.witness.path}.{name}").touch()


def long_ago(project: Project, function: str, state: str, minutes: int = 10) -> None:
    """Let what a function has in this state have happened earlier."""
    project.query(
        "UPDATE deferapp_execution SET due_at = due_at - %s * interval '1 minute',"
        " started_at = started_at - %s * interval '1 minute' WHERE function = %s AND state = %s RETURNING 1",
        minutes,
        minutes,
        function if "." in function else f"tests.shop.defer.{function}",
        state,
    )


def test_of_no_worker_the_doctor_says_so_and_how_to_start_one_and_then_is_content(project: Project) -> None:
    report = examine(project)
    assert (report.ids, report.exit_code) == (["D020"], 1)
    assert "worker" in advice(report, "D020")
    made = {look["asks"]: look["made"] for look in report.looks}
    assert made["The broker answers"]
    assert not made["The queue of each function is read"]
    worker = attended(project, "prefork")
    told = ask(project)
    assert told.returncode == 0, told.stdout
    lines = told.stdout.splitlines()
    assert lines[-1] == "All is well."
    assert all(line.startswith("✓ ok: ") for line in lines[:-1])
    assert len(lines) == len(report.looks) + 1
    call(project, "stay", '"held"')
    project.wait_for_states("stay", ANSWER_SECONDS, started=1)
    worker.kill()
    report = examine(project)
    assert (report.ids, report.exit_code) == (["D020", "D050"], 1)
    assert "has ended" in report.findings["D020"]["what"]
    assert "tests.shop.defer.stay" in report.findings["D050"]["what"]


def test_the_health_check_of_a_worker_fails_when_it_is_frozen_or_killed_and_not_while_it_ends(
    project: Project,
) -> None:
    project.settings = {"DEFER": {"HEARTBEAT_LIMIT": 10}}
    worker = attended(project)
    call(project, "stay", '"ending"')
    project.wait_for_states("stay", ANSWER_SECONDS, started=1)
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("Warm shutdown")
    assert ask(project, "--worker").returncode == 0
    worker.signal_all(signal.SIGSTOP)
    silent = "SELECT 1 FROM deferapp_worker HAVING max(heartbeat_at) < now() - interval '10 s'"
    wait_until(lambda: project.query(silent), ANSWER_SECONDS, "the worker is silent")
    assert ask(project, "--worker").returncode == 1
    worker.kill()
    assert ask(project, "--worker").returncode == 1


def test_a_worker_that_reads_another_queue_is_told_with_the_queue_that_nobody_reads(project: Project) -> None:
    attended(project, "threads", "-Q", "elsewhere")
    report = examine(project)
    assert (report.ids, report.exit_code) == (["D021"], 1)
    assert "'celery'" in report.findings["D021"]["what"]
    assert "'elsewhere'" in report.findings["D021"]["why"]
    assert "-Q elsewhere,celery" in advice(report, "D021")


def test_a_broker_that_refuses_or_hangs_is_told_in_time_and_its_return_too(
    make_project: ProjectMaker, tmp_path: Path
) -> None:
    with make_project(tmp_path) as project, RedisServer() as redis:
        project.broker_url = redis.url
        attended(project)
        os.kill(redis.pid, signal.SIGSTOP)
        hangs = examine(project)
        os.kill(redis.pid, signal.SIGCONT)
        redis.stop()
        refuses = examine(project)
        redis.start()
        assert examine(project).ids == []
    for report in (hangs, refuses):
        assert (report.ids, report.exit_code) == (["D010"], 1)
        assert f"redis://127.0.0.1:{redis.port}/0" in report.findings["D010"]["what"]
    assert "redis-cli ping" in advice(hangs, "D010")
    assert hangs.seconds < refuses.seconds + ANSWER_SECONDS


def test_migrations_that_are_missing_are_told_and_what_needs_the_tables_is_not_looked_at(project: Project) -> None:
    project.manage("migrate", "django_celery_beat", "0018", "--verbosity=0")
    report = examine(project)
    assert (report.ids, report.exit_code) == (["D002"], 1)
    assert "django_celery_beat.0019" in report.findings["D002"]["what"]
    assert "manage.py migrate" in advice(report, "D002")
    made = {look["asks"]: look["made"] for look in report.looks}
    assert made["The broker answers"]
    assert not made["A worker is running"]


def test_a_database_that_does_not_answer_is_told_and_a_worker_is_not_blamed_for_it(project: Project) -> None:
    there = project.database_url
    project.database_url = re.sub(r":\d+/", ":1/", there)
    report = examine(project)
    assert (report.ids, report.exit_code) == (["D001"], 1)
    assert "dbshell" in advice(report, "D001")
    assert there.rpartition("@")[0].rpartition(":")[2] not in json.dumps(report.findings)
    assert ask(project, "--worker").returncode == 0


def test_a_silent_beat_is_a_warning_that_names_the_command(project: Project) -> None:
    project.settings = {"EXTRA_APPS": ["tests.clock"], "DEFER": {"BEAT_LIMIT": 0}}
    project.variables = {"CLOCK_HOURS": "0", "CLOCK_HOURS_ELSEWHERE": "0"}
    project.manage("migrate", "--verbosity=0")
    attended(project)
    project.query("UPDATE deferapp_schedule SET next_due_at = now() WHERE function LIKE %s RETURNING 1", "tests.%")
    report = is_found(project, "D030")
    assert report.exit_code == 0
    assert " beat " in advice(report, "D030")


def test_a_worker_whose_machine_has_another_time_is_told_by_how_much(project: Project) -> None:
    project.variables = {"DJANGO_SETTINGS_MODULE": "tests.faults.skewed", "AHEAD_SECONDS": "90"}
    attended(project)
    project.variables = {}
    report = examine(project)
    assert (report.ids, report.exit_code) == (["D024"], 1)
    assert "90 s ahead" in report.findings["D024"]["what"]
    assert "timedatectl" in advice(report, "D024")


@pytest.fixture(scope="module")
def busy(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with a worker of two processes, which the tests below share: they leave nothing behind."""
    with make_project(tmp_path_factory.mktemp("busy")) as project:
        attended(project, "prefork")
        yield project


def test_work_that_waits_for_workers_that_are_all_busy_is_a_warning(busy: Project) -> None:
    call(busy, "stay", '"busy"', '"busy"', '"busy"')
    busy.wait_for_states("stay", ANSWER_SECONDS, started=2, created=1)
    for state in ("started", "created"):
        long_ago(busy, "stay", state)
    report = examine(busy)
    assert (report.ids, report.exit_code) == (["D041"], 0)
    assert "1 execution waits, the first for 10 min" in report.findings["D041"]["what"]
    assert "worker --concurrency" in advice(report, "D041")
    open_gate(busy, "busy")
    busy.wait_for_states("stay", ANSWER_SECONDS, succeeded=3)
    clear(busy)


def test_a_process_that_is_frozen_is_told_with_the_command_that_ends_it(busy: Project) -> None:
    call(busy, "stay", '"frozen"')
    busy.wait_for_states("stay", ANSWER_SECONDS, started=1)
    held = "SELECT e.id, w.process FROM deferapp_execution e JOIN deferapp_worker w ON w.id = e.worker_id"
    [(id, process)] = busy.query(held)
    pid = int(process.partition(":")[0])
    os.kill(pid, signal.SIGSTOP)
    long_ago(busy, "stay", "started", minutes=40)
    report = examine(busy)
    assert (report.ids, report.exit_code) == (["D051"], 1)
    assert f"kill -9 {pid}." in advice(report, "D051")
    busy.manage("defer", "cancel", "--force", str(id))
    report = examine(busy)
    assert (report.ids, report.exit_code) == (["D052"], 1)
    assert f"kill -9 {pid}." in advice(report, "D052")
    os.kill(pid, signal.SIGKILL)
    busy.wait_for_states("stay", ANSWER_SECONDS, aborted=1)
    assert examine(busy).ids == []
    clear(busy)


def test_a_limit_that_is_held_for_long_is_told_with_what_holds_it(busy: Project) -> None:
    call(busy, "one_at_a_time", '"slow", 0', '"slow", 1')
    busy.wait_for_states("one_at_a_time", ANSWER_SECONDS, started=1, created=1)
    for state in ("started", "created"):
        long_ago(busy, "one_at_a_time", state)
    report = examine(busy)
    assert (report.ids, report.exit_code) == (["D042"], 0)
    [(id,)] = busy.query("SELECT id FROM deferapp_execution WHERE state = 'started'")
    assert f"defer cancel --force {id}" in advice(report, "D042")
    busy.manage("defer", "cancel", "--force", str(id))
    busy.wait_for_states("one_at_a_time", ANSWER_SECONDS, aborted=1, succeeded=1)
    assert examine(busy).ids == []
    clear(busy)


def test_what_is_paused_or_gone_from_the_code_is_told_and_what_the_worker_does_not_know(busy: Project) -> None:
    new = "tests.seasonal.defer.decorate"
    busy.manage("defer", "pause", "tests.shop.defer.note")
    call(busy, "note", '"held"')
    busy.settings = {"EXTRA_APPS": ["tests.seasonal"]}
    call(busy, new, '"tree"')
    long_ago(busy, new, "created")
    stuck = examine(busy)
    busy.settings = {}
    gone = examine(busy)
    assert (stuck.ids, stuck.exit_code) == (["D040", "D043"], 1)
    assert "workers have this code" in advice(stuck, "D040")
    assert (gone.ids, gone.exit_code) == (["D043", "D044"], 0)
    assert f'function("{new}")' in advice(gone, "D044")
    assert "defer resume tests.shop.defer.note" in advice(gone, "D043")
    busy.manage("defer", "resume", "tests.shop.defer.note")
    busy.python(f'from deferapp.models import Execution\nExecution.objects.function("{new}").get().cancel()')
    busy.wait_for_states("note", ANSWER_SECONDS, succeeded=1)
    assert examine(busy).ids == []
    clear(busy)
