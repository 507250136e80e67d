"""What people do with schedules from a shell, by `deferapp.schedules` as the pages do it."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from deferapp.cli import command, exits
from deferapp.cli.printer import Printer
from deferapp.cli.text import moment
from deferapp.clock import now
from deferapp.durations import as_date, as_duration
from deferapp.exceptions import DurationError, ScheduleError
from deferapp.models import Schedule, ledger
from deferapp.schedules import backfill, manage

_NAMED: Final = 20
"""Moments that a backfill lists."""


def _add_functions(parser: ArgumentParser) -> None:
    parser.add_argument("functions", nargs="+", metavar="function", help="Of the schedules; the end of a name will do.")
    _add_json(parser)


def _add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", default=SUPPRESS, help="Print JSON.")


def _add_range(parser: ArgumentParser) -> None:
    parser.add_argument("function", help="Of the schedule; the end of its name will do.")
    parser.add_argument("--since", required=True, metavar="WHEN", help='So long ago ("2 days"), or a date in ISO 8601.')
    parser.add_argument("--until", default="0s", metavar="WHEN", help="Likewise (default: now).")
    parser.add_argument("--dry-run", action="store_true", help="Say what would be run, and run nothing.")
    _add_json(parser)


def _pause(this: BaseCommand, options: dict[str, Any]) -> None:
    with Printer(this, options).report() as report:
        for name in options["functions"]:
            schedule = _done(manage.pause, name, by=command.user())
            report.add(f"{schedule.function}: paused", function=schedule.function, is_paused=True)


def _resume(this: BaseCommand, options: dict[str, Any]) -> None:
    with Printer(this, options).report() as report:
        for name in options["functions"]:
            schedule = _done(manage.resume, name, by=command.user())
            told = f"{schedule.function}: resumed, next run {moment(schedule.next_due_at)}"
            report.add(told, function=schedule.function, is_paused=False, next_due_at=schedule.next_due_at)


def _run_now(this: BaseCommand, options: dict[str, Any]) -> None:
    with Printer(this, options).report() as report:
        for name in options["functions"]:
            execution = _done(manage.run_now, name, by=command.user())
            report.add(f"{execution}: {execution.state}", id=execution.id, function=execution.function)


def _backfill(this: BaseCommand, options: dict[str, Any]) -> None:
    printer, here = Printer(this, options), now()
    span = (_moment(options["since"], here), _moment(options["until"], here))
    if options["dry_run"]:
        result = _done(backfill.look, options["function"], *span)
    else:
        result = _done(backfill.backfill, options["function"], *span, by=command.user())
    if printer.is_json:
        counted = {"missed": result.missed, "already_fired": result.already_fired}
        printer.json({"dry_run": options["dry_run"], "fires": list(result.fires), **counted})
        return
    for each in result.fires[:_NAMED]:
        printer.line(f"{each:%Y-%m-%d %H:%M} UTC")
    if len(result.fires) > _NAMED:
        printer.line(f"… and {len(result.fires) - _NAMED:,} more")
    verb = "would run" if options["dry_run"] else "run"
    printer.line(f"{len(result.fires):,} {verb}, {result.already_fired:,} had fired already.")


def _done(act: Callable[..., Any], name: str, *what: Any, **words: Any) -> Any:
    try:
        with command.in_english():
            return act(_schedule(name), *what, **words)
    except ScheduleError as error:
        raise CommandError(str(error)) from error


def _schedule(name: str) -> Schedule:
    """By the function's name or the end of it; also of a function that is gone from the code. Raises `CommandError`."""
    rows = list(Schedule.objects.using(ledger()))
    for found in ([row for row in rows if row.function == name], [r for r in rows if r.function.endswith(f".{name}")]):
        if len(found) == 1:
            return found[0]
        if found:
            names = "".join(f"\n  {row.function}" for row in found)
            raise CommandError(f"{name} is the name of several schedules:{names}", returncode=exits.WRONG_USE)
    raise CommandError(f"There is no schedule of {name}.", returncode=exits.NOT_FOUND)


def _moment(text: str, here: datetime) -> datetime:
    try:
        there = datetime.fromisoformat(text) if "-" in text else None
        return here - as_duration(text) if there is None else as_date(there)
    except (ValueError, DurationError, OverflowError) as error:
        message = f'{text} is no time; write "2 days" or 2026-11-01T09:30'
        raise CommandError(message, returncode=exits.WRONG_USE) from error


ACTIONS: Final = (
    command.Command(name="pause", help="Let schedules not fire.", add_arguments=_add_functions, run=_pause),
    command.Command(name="resume", help="Let them fire again, from now.", add_arguments=_add_functions, run=_resume),
    command.Command(name="run", help="Run them now, besides.", add_arguments=_add_functions, run=_run_now),
    command.Command(
        name="backfill",
        help="Run the due moments of a time that did not fire.",
        add_arguments=_add_range,
        run=_backfill,
    ),
)
