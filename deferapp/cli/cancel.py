"""`manage.py defer cancel ID …`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deferapp.cli import command
from deferapp.exceptions import DeferError


def add_arguments(parser: ArgumentParser) -> None:
    command.add_ids(parser)
    parser.add_argument("--force", action="store_true", help="Abort those that have started.")


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    for id in options["ids"]:
        execution = command.execution(id)
        try:
            execution.cancel(force=options["force"])
        except DeferError as error:
            raise CommandError(str(error)) from error
        this.stdout.write(f"{execution}: {execution.state}")


COMMAND = command.Command(name="cancel", help="Cancel executions.", add_arguments=add_arguments, run=run)
