"""`manage.py defer mark LABEL`: a mark in the charts, such as that a release was deployed."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from deferapp.cli import exits
from deferapp.cli.command import Command, add_json
from deferapp.cli.printer import Printer
from deferapp.cli.text import moment
from deferapp.clock import now
from deferapp.models import DeployMark, ledger

LONGEST: Final = 100


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("label", help=f"As in v2.3.1; up to {LONGEST} characters.")
    add_json(parser)


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    label = options["label"].strip()
    if not label or len(label) > LONGEST or "\0" in label:
        raise CommandError(f"A label has from 1 to {LONGEST} characters.", returncode=exits.WRONG_USE)
    mark = DeployMark.objects.using(ledger()).create(label=label, marked_at=now())
    printer = Printer(this, options)
    if printer.is_json:
        printer.json({"label": mark.label, "marked_at": mark.marked_at})
    else:
        printer.line(f"{moment(mark.marked_at)} {mark.label}")


COMMAND = Command(name="mark", help="Mark this moment in the charts.", add_arguments=add_arguments, run=run)
