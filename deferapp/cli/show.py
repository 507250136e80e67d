"""`manage.py defer show ID`: all that the ledger knows of an execution."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.core.management.base import BaseCommand

from deferapp.cli import command, records, timeline
from deferapp.cli.printer import Cell, Printer
from deferapp.cli.text import clean, count, local, moment, span
from deferapp.clock import now
from deferapp.executions.logs import read
from deferapp.executions.logs.read import LogLine, LogOfAttempt
from deferapp.executions.values import shown
from deferapp.models import Attempt, Execution, ledger
from deferapp.redact import redact

ATTEMPTS: Final = 20
"""The latest attempts that are shown; with `--all`, and as JSON, there are all."""
LINES: Final = 20
"""The last lines of a log that are shown, likewise."""
FRAMES: Final = 30
"""The last lines of a traceback that are shown, likewise."""


def add_arguments(parser: ArgumentParser) -> None:
    command.add_id(parser)
    parser.add_argument(
        "--all", action="store_true", help=f"All attempts, and more than the last {LINES} lines of logs and tracebacks."
    )
    command.add_json(parser)


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    printer, execution = Printer(this, options), command.execution(options["id"])
    attempts = list(Attempt.objects.using(ledger()).filter(execution_id=execution.id).order_by("number"))
    logs = read.of(execution.id)
    if printer.is_json:
        printer.json(_record(execution, attempts, logs))
        return
    _head(printer, execution)
    latest = attempts if options["all"] else attempts[-ATTEMPTS:]
    _timeline(printer, execution, latest)
    _children(printer, execution)
    for attempt in latest:
        _attempt(printer, attempt, None if options["all"] else FRAMES)
    for number, log in list(logs.items())[0 if options["all"] else -1 :]:
        _log(printer, number, log, None if options["all"] else LINES)


def _head(printer: Printer, execution: Execution) -> None:
    here = now()
    printer.line(Cell(execution.function, "title"), f" {execution.id}")
    printer.line(printer.state(execution.state), *_reason(execution))
    facts = [
        ("created", moment(execution.created_at)),
        ("due", moment(execution.due_at)),
        ("started", moment(execution.started_at)),
        ("ended", moment(execution.ended_at)),
        ("wait", span(records.wait(execution, here))),
        ("duration", span(records.duration(execution, here))),
        ("attempts", str(execution.attempt)),
        ("called by", str(execution.parent_id or "")),
        ("re-run of", str(execution.rerun_of_id or "")),
    ]
    facts += [(f"meta.{key}", value) for key, value in redact(execution.metadata).items()]
    printer.table(("", ""), [(Cell(name, "quiet"), value) for name, value in facts if value])
    values = records.values(execution)
    printer.line(Cell("arguments ", "quiet"), shown.dumped(values["arguments"]))
    if execution.result_json is not None:
        printer.line(Cell("result ", "quiet"), shown.dumped(values["result"]))


def _reason(execution: Execution) -> Iterator[str | Cell]:
    if execution.reason:
        yield f": {clean(execution.reason)}"
    if execution.error_code:
        yield Cell(f" {execution.error_code}", "quiet")


def _timeline(printer: Printer, execution: Execution, attempts: list[Attempt]) -> None:
    pieces = timeline.pieces(execution, attempts, now())
    if pieces:
        printer.line()
        marks = timeline.MARKS if printer.can_print("".join(timeline.MARKS.values())) else timeline.ASCII_MARKS
        printer.table(("", "", "", ""), timeline.rows(pieces, marks), right=())


def _children(printer: Printer, execution: Execution) -> None:
    progress = execution.progress()
    if progress.total:
        counted = [f"{number:,} {state}" for state, number in progress.by_state.items() if number]
        printer.line()
        printer.line(Cell("children ", "title"), f"{progress.ended:,}/{progress.total:,} ended: {', '.join(counted)}")


def _attempt(printer: Printer, attempt: Attempt, most: int | None) -> None:
    if attempt.outcome == Attempt.Outcome.SUCCEEDED:
        return
    printer.line()
    told = f"{attempt.error_type}: {attempt.error_message}" if attempt.error_type else attempt.error_message
    printer.line(Cell(f"attempt {attempt.number} {attempt.outcome}", "failed"), f" on {attempt.worker}")
    printer.line(f"{clean(told)} {attempt.error_code}")
    lines = clean(attempt.traceback).rstrip().splitlines()
    _some(printer, lines, most)


def _log(printer: Printer, number: int, log: LogOfAttempt, most: int | None) -> None:
    printer.line()
    printer.line(Cell(f"log of attempt {number}", "title"))
    lines = [*map(_line, log.first)]
    if log.dropped:
        lines.append(f"({count(log.dropped, 'line')} not kept)")
    _some(printer, [*lines, *map(_line, log.last)], most)


def _line(line: LogLine) -> str:
    return f"{local(line.moment):%H:%M:%S.%f}"[:-3] + f" {line.level} {line.logger}: {line.text}"


def _some(printer: Printer, lines: list[str], most: int | None) -> None:
    if most is not None and len(lines) > most:
        printer.line(Cell(f"({count(len(lines) - most, 'line')} before: --all)", "quiet"))
        lines = lines[-most:]
    for line in lines:
        printer.line(line)


def _record(execution: Execution, attempts: Iterable[Attempt], logs: dict[int, LogOfAttempt]) -> dict[str, Any]:
    return {
        **records.of_execution(execution, now()),
        **records.values(execution),
        "attempts": [records.of_attempt(each) for each in attempts],
        "children": {str(state): number for state, number in execution.progress().by_state.items() if number},
        "logs": [
            {"attempt": number, "dropped": log.dropped, "first": _lines(log.first), "last": _lines(log.last)}
            for number, log in logs.items()
        ],
    }


def _lines(lines: Iterable[LogLine]) -> list[dict[str, Any]]:
    return [{"at": each.moment, "level": each.level, "logger": each.logger, "text": each.text} for each in lines]


COMMAND = command.Command(
    name="show", help="An execution: its attempts, errors, logs and children.", add_arguments=add_arguments, run=run
)
