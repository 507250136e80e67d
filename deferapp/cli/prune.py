"""`manage.py defer prune`: takes away what has ended long ago, at once. (Housekeeping does so anyway, bit by bit.)"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deferapp.cli import exits
from deferapp.cli.command import Command, add_json
from deferapp.cli.printer import Printer
from deferapp.cli.text import count, span
from deferapp.executions import prune


def add_arguments(parser: ArgumentParser) -> None:
    add_json(parser)


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    printer = Printer(this, options)
    try:
        kept = prune.retention()
    except ValueError as error:
        raise CommandError(f"DEFER['RETENTION']: {error}", returncode=exits.WRONG_USE) from error
    pruned = 0
    while taken := prune.prune():
        pruned += taken
    if printer.is_json:
        printer.json({"pruned": pruned, "kept": {str(state): length for state, length in kept.items()}})
        return
    printer.line(f"{count(pruned, 'execution')} taken away.")
    if kept:
        printer.line("Kept after their end: " + ", ".join(f"{state} {span(kept[state])}" for state in sorted(kept)))


COMMAND = Command(
    name="prune", help="Take away executions that are kept no longer.", add_arguments=add_arguments, run=run
)
