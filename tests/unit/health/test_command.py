"""`manage.py defer doctor`: what it prints, and the code it ends with."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.management import call_command

from deferapp.cli import doctor
from deferapp.clock import now
from deferapp.health import here, looks
from deferapp.health.finding import Finding, error, note, warning
from deferapp.health.looks import Look
from deferapp.health.scene import Scene
from deferapp.workers import process
from tests.unit.rows import MINUTE, make_worker

FINDINGS = {
    "error": error("D020", "No worker.", why="It waits.", remedy=("celery worker", "Or not.")),
    "warning": warning("D030", "Beat is silent.", why="Late.", remedy=("celery beat",)),
    "note": note("D043", "Paused.", why="Held.", remedy=("resume",)),
}


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the one look finds, by severity."""
    severities: list[str] = []

    def run(_scene: Scene) -> Iterator[Finding]:
        yield from (FINDINGS[severity] for severity in severities)

    made = [Look(asks="All is there", run=run, needs=frozenset())]
    monkeypatch.setattr(looks, "examine", lambda: EXAMINE(made))
    return severities


EXAMINE = looks.examine


def ask(*options: str) -> tuple[int, str]:
    """Exit code and output."""
    output = io.StringIO()
    try:
        call_command("defer", "doctor", *options, stdout=output)
    except SystemExit as ended:
        return int(ended.code or 0), output.getvalue()
    return 0, output.getvalue()


def test_when_all_is_well_it_says_what_it_looked_at(finds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_can_print", lambda _text: True)
    assert ask() == (0, "✓ ok: All is there\nAll is well.\n")


def test_a_finding_is_explained_with_the_steps_to_take(finds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_can_print", lambda _text: True)
    finds += ["error", "note"]
    assert ask() == (
        1,
        "✕ error D020: No worker.\n    It waits.\n    → celery worker\n    → Or not.\n"
        "· note D043: Paused.\n    Held.\n    → resume\n"
        "1 error, 1 note. More about each: docs/operations.md\n",
    )


@pytest.mark.parametrize("severity", ["warning", "note"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_without_an_error_it_ends_with_0(severity: str, options: tuple[str, ...], finds: list[str]) -> None:
    finds.append(severity)
    assert ask(*options)[0] == 0


def test_json_says_the_same(finds: list[str]) -> None:
    finds.append("error")
    code, output = ask("--json")
    said = json.loads(output)
    assert code == 1
    assert said["ok"] is False
    assert said["looks"] == [{"asks": "All is there", "made": True, "findings": ["D020"]}]
    assert said["findings"] == [
        {
            "id": "D020",
            "severity": "error",
            "what": "No worker.",
            "why": "It waits.",
            "remedy": ["celery worker", "Or not."],
        }
    ]


def test_where_marks_cannot_be_printed_others_stand_for_them(finds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Ascii(io.StringIO):
        encoding = "ascii"

    monkeypatch.setattr(sys, "stdout", Ascii())
    finds.append("error")
    output = ask()[1]
    assert output.startswith("x error D020")
    assert "    -> celery worker" in output
    output.encode("ascii")


@pytest.mark.django_db(transaction=True)
class TestTheWorkerOfThisHost:
    def test_one_that_was_just_heard_beats(self) -> None:
        make_worker(node="a@here", host=process.host(), process=process.this(), supervisor=process.this())
        code, output = ask("--worker")
        assert code == 0
        assert output.startswith("a@here (process ")
        assert ask("--worker", "a@here")[0] == 0
        assert ask("--worker", "b@here")[0] == 1

    def test_one_of_another_host_is_not_meant(self) -> None:
        make_worker()
        assert ask("--worker")[0] == 1

    def test_one_that_is_silent_does_not_beat(self) -> None:
        here_ = process.this()
        make_worker(host=process.host(), process=here_, supervisor=here_, heartbeat_at=now() - MINUTE)
        code, output = ask("--worker", "--json")
        assert code == 1
        assert json.loads(output)["beats"] is False

    def test_one_whose_process_has_ended_does_not_beat(self) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            name = process.key(child.pid)
            child.kill()
        make_worker(host=process.host(), process=name, supervisor=name)
        code, output = ask("--worker")
        assert code == 1
        assert "has ended" in output


def test_a_worker_is_not_blamed_for_a_database_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_node: str) -> None:
        raise OSError("away")

    monkeypatch.setattr(here, "_latest", fail)
    code, output = ask("--worker")
    assert code == 0
    assert "the worker is let be" in output
