"""`manage.py defer reschedule ID … [--at WHEN]`"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deferapp.cli import command, exits
from deferapp.cli.printer import Printer
from deferapp.exceptions import DeferError, DurationError


def add_arguments(parser: ArgumentParser) -> None:
    command.add_ids(parser)
    parser.add_argument("--at", metavar="WHEN", help='A duration from now ("2h") or a date in ISO 8601 (default: now).')


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    with Printer(this, options).report() as report:
        for id in options["ids"]:
            execution = command.execution(id)
            try:
                execution.reschedule(_when(options["at"]))
            except DurationError as error:
                raise CommandError(str(error), returncode=exits.WRONG_USE) from error
            except DeferError as error:
                raise CommandError(str(error)) from error
            told = f"{execution}: {execution.state}, due {execution.due_at.isoformat()}"
            report.add(told, id=execution.id, state=execution.state, due_at=execution.due_at)


def _when(text: str | None) -> datetime | str | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return text


COMMAND = command.Command(
    name="reschedule",
    help="Change when executions that have not started are due.",
    add_arguments=add_arguments,
    run=run,
)
