"""`manage.py defer schedules`: the schedules, what the code would change about them, and what people do with them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max

from deferapp.cli import exits
from deferapp.cli.command import Command, add_json
from deferapp.cli.printer import Cell, Printer
from deferapp.cli.schedules import acts, diff
from deferapp.cli.text import NOTHING, moment
from deferapp.models import DueMoment, Schedule, ledger


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--diff", action="store_true", help="What the code would change at the next `migrate`; ends with 1 if anything."
    )
    add_json(parser)
    actions = parser.add_subparsers(dest="action", metavar="action")
    for action in acts.ACTIONS:
        action.add_arguments(actions.add_parser(action.name, help=action.help, description=action.help))


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    if options["action"] is None:
        (_diff if options["diff"] else _list)(Printer(this, options))
        return
    if options["diff"]:
        raise CommandError("--diff goes with no action.", returncode=exits.WRONG_USE)
    chosen = next(action for action in acts.ACTIONS if action.name == options["action"])
    chosen.run(this, options)


def _list(printer: Printer) -> None:
    schedules = list(Schedule.objects.using(ledger()).order_by("function"))
    latest = dict(
        DueMoment.objects.using(ledger())
        .filter(execution__isnull=False)
        .order_by()
        .values_list("schedule_id")
        .annotate(latest=Max("due_at"))
    )
    if printer.is_json:
        printer.json([_record(each, latest.get(each.pk)) for each in schedules])
    elif schedules:
        titles = ("function", "frequency", "next run", "latest", "state")
        rows: Sequence[Any] = [
            (each.function, each.frequency, moment(each.next_due_at), moment(latest.get(each.pk)), _state(each))
            for each in schedules
        ]
        printer.table(titles, rows, whole=("frequency", "next run", "latest"))
    else:
        printer.line("There is no schedule. Those of the code appear with `manage.py migrate`.")


def _state(schedule: Schedule) -> Cell:
    if not schedule.is_declared:
        return Cell("gone from the code", "quiet")
    by = f" by {schedule.edited_by}" if schedule.edited_by else ""
    if schedule.is_paused:
        return Cell(f"paused{by}", "cancelled")
    return Cell(f"edited{by}, was {schedule.declared_frequency}" if schedule.is_overridden else NOTHING)


def _record(schedule: Schedule, latest: Any) -> dict[str, Any]:
    return {
        "function": schedule.function,
        "frequency": schedule.frequency,
        "declared_frequency": schedule.declared_frequency,
        "catch_up": schedule.catch_up,
        "is_declared": schedule.is_declared,
        "is_paused": schedule.is_paused,
        "is_overridden": schedule.is_overridden,
        "edited_at": schedule.edited_at,
        "edited_by": schedule.edited_by,
        "next_due_at": schedule.next_due_at,
        "latest_due_at": latest,
    }


def _diff(printer: Printer) -> None:
    changes = diff.changes()
    if printer.is_json:
        printer.json([{"function": each.function, "change": each.kind, "what": each.what} for each in changes])
    elif changes:
        printer.table(
            ("", "function", "change"), [(Cell(each.sign, "title"), each.function, each.what) for each in changes]
        )
    else:
        printer.line("The schedules are as the code says.")
    if changes:
        sys.exit(exits.FAILED)


COMMAND = Command(
    name="schedules",
    help="Schedules: list, compare with the code, pause, resume, run, backfill.",
    add_arguments=add_arguments,
    run=run,
)
