"""`manage.py defer retry ID …`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deferapp.cli import command
from deferapp.cli.printer import Printer
from deferapp.executions import bulk
from deferapp.models import Execution, ledger


def add_arguments(parser: ArgumentParser) -> None:
    command.add_ids(parser)
    parser.add_argument("--children", action="store_true", help="Retry their children that have failed, and not them.")


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    with Printer(this, options).report() as report:
        for id in options["ids"]:
            execution = command.execution(id)
            if options["children"]:
                number = execution.retry_failed_children()
                report.add(f"{execution}: children retried: {number:,}", id=execution.id, children=number)
                continue
            _retry(execution)
            report.add(f"{execution}: {execution.state}", id=execution.id, state=execution.state)


def _retry(execution: Execution) -> None:
    """The same execution again, as its page does it. Raises `CommandError` if it has not failed."""
    is_retried = bulk.retry([execution])
    execution.refresh_from_db(using=ledger())
    if not is_retried:
        raise CommandError(f"{execution} is {execution.state}. Only what has failed is retried; see `rerun`.")


COMMAND = command.Command(
    name="retry",
    help="Let executions that have failed for good run again, as the same ones.",
    add_arguments=add_arguments,
    run=run,
)
