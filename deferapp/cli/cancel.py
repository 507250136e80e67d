"""`manage.py defer cancel ID …`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deferapp.cli import command
from deferapp.cli.printer import Printer
from deferapp.exceptions import DeferError


def add_arguments(parser: ArgumentParser) -> None:
    command.add_ids(parser)
    parser.add_argument("--force", action="store_true", help="Abort those that have started.")
    parser.add_argument("--children", action="store_true", help="Cancel their children, and not them.")


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    force = options["force"]
    with Printer(this, options).report() as report:
        for id in options["ids"]:
            execution = command.execution(id)
            if options["children"]:
                number = execution.cancel_children(force=force)
                report.add(f"{execution}: children cancelled: {number:,}", id=execution.id, children=number)
                continue
            try:
                execution.cancel(force=force)
            except DeferError as error:
                raise CommandError(str(error)) from error
            report.add(f"{execution}: {execution.state}", id=execution.id, state=execution.state)


COMMAND = command.Command(name="cancel", help="Cancel executions.", add_arguments=add_arguments, run=run)
