"""The audit of dependencies: what is pinned has been reviewed, and advisories are believed only where there are any."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import dependencies
from tests.dependencies import Answer, advisories, unreviewed

REVIEW = "| package | version | reviewed |\n|---|---|---|\n| django | 5.2.19 | today |\n| celery | 5.7.0 | today |\n"
PINS = "django==5.2.19\ncelery[redis]==5.7.0  # the broker too\n-r other.txt\n"
BAD: Answer = [{"name": "jinja2", "version": "2.11.2", "vulns": [{"id": "X", "fix_versions": []}]}]
GOOD: Answer = [{"name": "django", "version": "5.2.19", "vulns": []}]


def test_pins_that_are_all_reviewed_are_no_problem() -> None:
    assert unreviewed(PINS, REVIEW) == []


def test_a_pin_of_another_version_and_one_that_is_new_are_not_reviewed() -> None:
    changed = PINS.replace("5.7.0", "5.7.1") + "vine==5.1.0\n"
    assert unreviewed(changed, REVIEW) == ["celery==5.7.1 is not reviewed", "vine==5.1.0 is not reviewed"]


def test_what_is_reviewed_and_not_pinned_any_more_is_said() -> None:
    assert unreviewed("django==5.2.19\n", REVIEW) == ["celery is reviewed and not pinned"]


def test_this_projects_pins_are_reviewed() -> None:
    assert dependencies.main("review") == 0


def answering(*answers: Answer | None) -> Any:
    given = iter(answers)
    return lambda _arguments: next(given)


def test_an_index_that_knows_of_advisories_is_believed() -> None:
    assert advisories(["a.txt"], answering(BAD, GOOD)) == []
    found: Answer = [{"name": "django", "version": "5.2.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["5.2.2"]}]}]
    assert advisories(["a.txt"], answering(BAD, found)) == ["django==5.2.1: PYSEC-1, fixed in 5.2.2"]


def test_a_package_that_could_not_be_asked_about_is_named() -> None:
    skipped: Answer = [{"name": "celery", "skip_reason": "not found"}]
    assert advisories(["a.txt"], answering(BAD, skipped)) == ["celery: not found"]


@pytest.mark.parametrize(
    "answers",
    [
        [None],
        [[]],
        [[{"name": "jinja2", "skip_reason": "not found"}]],
        [[{"name": "jinja2", "version": "2.11.2", "vulns": []}]],
        [BAD, None],
    ],
)
def test_an_index_that_knows_of_no_advisories_is_not_believed(answers: list[Answer | None]) -> None:
    assert advisories(["a.txt"], answering(*answers)) is None


def test_without_an_answer_the_audit_says_so_and_does_not_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dependencies, "pip_audit", answering(None))
    assert dependencies.main("advisories") == 0
    assert "cannot be asked" in capsys.readouterr().out


def test_an_advisory_fails_the_audit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(dependencies, "pip_audit", answering(BAD, BAD))
    assert dependencies.main("advisories") == 1
    assert "jinja2==2.11.2: X, fixed in none" in capsys.readouterr().out


@pytest.mark.parametrize("output", ["", "no JSON", "{}"])
def test_what_pip_audit_says_when_it_reaches_nobody_is_no_answer(monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, stdout=output, stderr="no network")

    monkeypatch.setattr(dependencies.subprocess, "run", run)
    assert dependencies.pip_audit(["-r", "a.txt"]) is None


def test_pip_audit_that_takes_too_long_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: Any) -> Any:
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(dependencies.subprocess, "run", run)
    assert dependencies.pip_audit([]) is None


def test_ci_runs_both() -> None:
    root = Path(dependencies.ROOT)
    assert "bin/audit" in (root / ".ci" / "run").read_text()
    assert "tests.dependencies review" in (root / "bin" / "lint").read_text()
