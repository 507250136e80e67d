"""`manage.py defer notify-test`: whether alerts arrive."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deferapp.alerts import notify_test
from deferapp.cli import exits
from deferapp.cli.command import Command, add_json
from deferapp.cli.printer import Cell, Printer
from deferapp.cli.text import clean


def add_arguments(parser: ArgumentParser) -> None:
    add_json(parser)


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    """Ends with 1 if a message was not sent, or there is nobody to send one to."""
    printer = Printer(this, options)
    try:
        trials = notify_test()
    except ValueError as error:
        raise CommandError(
            f"DEFER['ALERTS'] cannot be read: {clean(str(error))}", returncode=exits.WRONG_USE
        ) from error
    if printer.is_json:
        printer.json(
            [{"channel": each.channel, "sent": each.is_sent, "outcome": clean(each.outcome)} for each in trials]
        )
    elif trials:
        rows = [(each.channel, Cell(clean(each.outcome), "succeeded" if each.is_sent else "failed")) for each in trials]
        printer.table(("channel", "outcome"), rows)
    else:
        printer.line("Alerts go nowhere: DEFER['ALERTS'] names no channel.")
    if not trials or not all(each.is_sent for each in trials):
        sys.exit(exits.FAILED)


COMMAND = Command(
    name="notify-test", help="Send a test message to where alerts go.", add_arguments=add_arguments, run=run
)
