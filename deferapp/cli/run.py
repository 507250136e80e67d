"""`manage.py defer run FUNCTION [--args JSON] [--wait [SECONDS]]`"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deferapp.cli import command, exits, records
from deferapp.cli.printer import Printer
from deferapp.cli.text import clean
from deferapp.clock import now
from deferapp.exceptions import ArgumentError, DeferError, ExecutionFailed, ResultTimeout
from deferapp.executions import waiting
from deferapp.executions.values import shown
from deferapp.functions import registry
from deferapp.functions.function import BackgroundFunction, ScheduledFunction
from deferapp.models import Execution


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("function", help="Its name, or the end of it.")
    parser.add_argument(
        "--args",
        dest="arguments",
        metavar="JSON",
        help="Arguments: an array of them, as in '[7, \"x\"]', or an object of named ones.",
    )
    parser.add_argument(
        "--wait",
        nargs="?",
        type=_seconds,
        const=float("inf"),
        metavar="SECONDS",
        help="Wait for the end, and print it.",
    )
    command.add_json(parser)


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    """Ends with 1 if it is waited for and does not succeed, with 4 if it has not ended in time."""
    printer = Printer(this, options)
    execution = _enqueue(command.function(options["function"]), options["arguments"])
    within = options["wait"]
    if not printer.is_json:
        printer.line(f"{execution}: {execution.state}")
    error = None if within is None else _wait(execution, None if within == float("inf") else within)
    if within is not None:
        execution.refresh_from_db()
    if printer.is_json:
        printer.json({**records.of_execution(execution, now()), **records.values(execution)})
    elif within is not None and error is None:
        value = None if execution.result_json is None else shown.result(execution.result_json)
        printer.line(printer.state(execution.state), f": {shown.dumped(value)}")
    if error is not None:
        raise error


def _enqueue(function: registry.AnyFunction, text: str | None) -> Execution:
    args, kwargs = _arguments(text)
    if isinstance(function, ScheduledFunction):
        if args or kwargs:
            raise CommandError(f"{function.name} has a schedule, and takes no arguments.", returncode=exits.WRONG_USE)
        return function.run_now()
    assert isinstance(function, BackgroundFunction)
    try:
        return function.enqueue(*args, **kwargs)
    except (ArgumentError, TypeError) as error:
        raise CommandError(f"{function.name}: {clean(str(error))}", returncode=exits.WRONG_USE) from error


def _arguments(text: str | None) -> tuple[list[Any], dict[str, Any]]:
    if text is None:
        return [], {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--args is no JSON: {error}", returncode=exits.WRONG_USE) from error
    if isinstance(value, list):
        return value, {}
    if isinstance(value, dict):
        return [], value
    raise CommandError("--args is an array of arguments, or an object of named ones.", returncode=exits.WRONG_USE)


def _wait(execution: Execution, within: float | None) -> CommandError | None:
    """What it ends with if it does not succeed."""
    try:
        waiting.wait(execution, within)
    except ResultTimeout as error:
        return CommandError(str(error), returncode=exits.TIMED_OUT)
    except ExecutionFailed as error:
        return CommandError(f"{execution} failed: {clean(str(error))}")
    except DeferError as error:
        return CommandError(clean(str(error)))
    return None


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError(text)
    return seconds


COMMAND = command.Command(
    name="run", help="Enqueue an execution of a function, and wait for it.", add_arguments=add_arguments, run=run
)
