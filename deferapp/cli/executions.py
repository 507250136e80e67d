"""`manage.py defer executions [WORD …]`: executions, newest first, found by the words of the search box."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from deferapp.cli import command, exits, records
from deferapp.cli.printer import Cell, Printer
from deferapp.cli.text import count, moment, span
from deferapp.clock import now
from deferapp.models import Execution, ledger

LIMIT: Final = 20
MOST: Final = 10_000


def add_arguments(parser: ArgumentParser) -> None:
    command.add_words(parser)
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"How many, up to {MOST:,} (default: {LIMIT}).")
    command.add_json(parser)


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    printer, limit = Printer(this, options), options["limit"]
    if not 1 <= limit <= MOST:
        raise CommandError(f"--limit is a number from 1 to {MOST:,}.", returncode=exits.WRONG_USE)
    rows = Execution.objects.using(ledger()).defer("arguments_json", "result_json")
    found = list(command.searched(options["words"]).apply(rows)[: limit + 1])
    here = now()
    if printer.is_json:
        printer.json([records.of_execution(each, here) for each in found[:limit]])
        return
    if found:
        titles = ("id", "function", "state", "attempt", "created", "wait", "duration")
        table = [_row(printer, each, here) for each in found[:limit]]
        printer.table(titles, table, right=("attempt", "wait", "duration"), whole=("id", "state", "created"))
    printer.line(Cell(_summary(len(found), limit), "quiet"))


def _row(printer: Printer, execution: Execution, here: datetime) -> list[str | Cell]:
    return [
        printer.id(execution.id),
        printer.name(execution.function),
        printer.state(execution.state),
        str(execution.attempt),
        moment(execution.created_at),
        span(records.wait(execution, here)),
        span(records.duration(execution, here)),
    ]


def _summary(found: int, limit: int) -> str:
    if found > limit:
        return f"The newest {limit:,}; there are more: --limit"
    return count(found, "execution") if found else "No execution matches."


COMMAND = command.Command(
    name="executions", help="Executions, found by search words.", add_arguments=add_arguments, run=run
)
