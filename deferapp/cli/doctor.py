"""`manage.py defer doctor`: finds and explains what keeps executions from running."""

from __future__ import annotations

import json
import logging
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import BaseCommand

from deferapp.cli.command import Command
from deferapp.health import database, here, looks
from deferapp.health.finding import Finding, Severity
from deferapp.health.looks import Seen

MARKS: Final = {"ok": "✓", "not made": "–", Severity.ERROR: "✕", Severity.WARNING: "!", Severity.NOTE: "·"}
ASCII_MARKS: Final = {**MARKS, "ok": "+", "not made": "-", Severity.ERROR: "x", Severity.NOTE: "."}
PAGE: Final = "docs/operations.md"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="Print one JSON object.")
    parser.add_argument(
        "--worker",
        nargs="?",
        const="",
        metavar="NODE",
        help="Ask only whether the worker of this host beats, or the one of this name; for health checks.",
    )


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    """Ends with 1 if there is an error, or, with `--worker`, if the worker does not beat."""
    with database.short_statements(), _without_log():
        if options["worker"] is not None:
            is_well = _judge_worker(this, options["worker"], as_json=options["json"])
        else:
            is_well = _print_json(this) if options["json"] else _print_lines(this)
    if not is_well:
        sys.exit(1)


@contextmanager
def _without_log() -> Iterator[None]:
    """What the broker's line logs is told as a finding."""
    logger = logging.getLogger("deferapp.dispatch")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _judge_worker(this: BaseCommand, node: str, *, as_json: bool) -> bool:
    verdict = here.verdict(node)
    this.stdout.write(json.dumps(asdict(verdict)) if as_json else verdict.why)
    return verdict.beats


def _print_json(this: BaseCommand) -> bool:
    seen = list(looks.examine())
    findings = [finding for each in seen for finding in each.findings]
    is_well = not _errors(findings)
    report = {
        "ok": is_well,
        "findings": [asdict(finding) for finding in findings],
        "looks": [
            {"asks": each.asks, "made": each.was_made, "findings": [finding.id for finding in each.findings]}
            for each in seen
        ],
    }
    this.stdout.write(json.dumps(report, indent=2))
    return is_well


def _print_lines(this: BaseCommand) -> bool:
    marks = MARKS if _can_print("".join(MARKS.values())) else ASCII_MARKS
    findings: list[Finding] = []
    for seen in looks.examine():
        findings += seen.findings
        for line in _lines(seen, marks):
            this.stdout.write(line)
    this.stdout.write(_summary(findings))
    return not _errors(findings)


def _lines(seen: Seen, marks: dict[str, str]) -> Iterator[str]:
    if not seen.was_made:
        yield f"{marks['not made']} not looked at: {seen.asks}"
    elif not seen.findings:
        yield f"{marks['ok']} ok: {seen.asks}"
    for finding in seen.findings:
        yield f"{marks[finding.severity]} {finding.severity} {finding.id}: {finding.what}"
        yield f"    {finding.why}"
        yield from (f"    → {step}" if marks is MARKS else f"    -> {step}" for step in finding.remedy)


def _summary(findings: list[Finding]) -> str:
    if not findings:
        return "All is well."
    counts = {severity: sum(finding.severity == severity for finding in findings) for severity in Severity}
    told = ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items() if count)
    return f"{told}. More about each: {PAGE}"


def _errors(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == Severity.ERROR]


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


COMMAND = Command(
    name="doctor",
    help="Find and explain what keeps executions from running.",
    add_arguments=add_arguments,
    run=run,
)
