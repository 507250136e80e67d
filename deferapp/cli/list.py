"""`manage.py defer list [WORD]`: the functions that the code declares, with their settings."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deferapp.cli import exits
from deferapp.cli.command import Command, add_json
from deferapp.cli.printer import Cell, Printer
from deferapp.cli.text import NOTHING, count, span
from deferapp.functions import registry
from deferapp.functions.function import ScheduledFunction
from deferapp.models import PausedFunction, ledger


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("word", nargs="?", default="", help="A part of the functions' names.")
    add_json(parser)


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    printer = Printer(this, options)
    word = options["word"].casefold()
    functions = [each for each in registry.functions() if word in each.name.casefold()]
    paused = set(PausedFunction.objects.using(ledger()).values_list("function", flat=True))
    if printer.is_json:
        printer.json([_record(each, each.name in paused) for each in functions])
    elif functions:
        titles = ("function", "kind", "schedule", "at once", "retries", "longest", "")
        rows = [_row(each, each.name in paused) for each in functions]
        printer.table(titles, rows, right=("at once", "retries", "longest"))
        printer.line(Cell(count(len(functions), "function"), "quiet"))
    if word and not functions:
        raise CommandError(f"No function's name has {options['word']!r} in it.", returncode=exits.NOT_FOUND)
    if not functions and not printer.is_json:
        printer.line("No function is declared yet: put one into a file of an app's package defer/.")


def _row(function: registry.AnyFunction, is_paused: bool) -> list[str | Cell]:
    config = function.config
    limit = NOTHING if config.concurrency is None else str(config.concurrency)
    return [
        function.name,
        "async" if function.is_async else "sync",
        str(function.frequency) if isinstance(function, ScheduledFunction) else NOTHING,
        f"{limit} a key" if config.concurrency_key is not None else limit,
        str(config.retry_policy.max_attempts),
        span(config.longest),
        Cell("paused", "cancelled") if is_paused else "",
    ]


def _record(function: registry.AnyFunction, is_paused: bool) -> dict[str, Any]:
    config = function.config
    scheduled = function if isinstance(function, ScheduledFunction) else None
    return {
        "name": function.name,
        "place": function.place,
        "is_async": function.is_async,
        "is_paused": is_paused,
        "frequency": str(scheduled.frequency) if scheduled else None,
        "catch_up": scheduled.catch_up if scheduled else None,
        "concurrency": config.concurrency,
        "has_concurrency_key": config.concurrency_key is not None,
        "max_concurrency_action": config.max_concurrency_action,
        "max_duration": config.longest,
        "retry": asdict(config.retry_policy),
        "on_failure": config.on_failure.name if config.on_failure else None,
    }


COMMAND = Command(name="list", help="The functions, with their settings.", add_arguments=add_arguments, run=run)
