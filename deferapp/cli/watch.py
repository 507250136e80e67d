"""`manage.py defer watch ID`: an execution and its children as a tree with a progress bar, until all have ended."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connections
from django.db.models import Count

from deferapp.cli import command, exits
from deferapp.cli.printer import Cell, Printer, rich_text
from deferapp.cli.text import first_line, span
from deferapp.clock import now
from deferapp.executions.states import ENDED, State
from deferapp.models import Execution, ledger

if TYPE_CHECKING:
    from rich.console import Console

INTERVAL: Final = 0.5
"""Seconds between two looks at the least; of a million children each takes its time."""
SHARE: Final = 4
"""How many times as long as a look took it rests."""
NAMED: Final = 5
"""Children that run, and that have failed, which are named."""
WIDTH: Final = 30
"""Characters of a bar."""


def add_arguments(parser: ArgumentParser) -> None:
    command.add_id(parser)
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="Watch no longer; ends with 4 then.")
    command.add_json(parser, "Print a JSON object a line, for each change.")


@dataclass(frozen=True, kw_only=True)
class View:
    """How far an execution and its children are."""

    execution: Execution
    functions: dict[str, dict[str, int]]
    """Of its children: for each function, how many are in each state."""
    named: tuple[Execution, ...]
    """Some of the children that run or have failed."""
    took: float = 0.0
    """Seconds that the look took."""

    @property
    def by_state(self) -> dict[str, int]:
        return {state: sum(each.get(state, 0) for each in self.functions.values()) for state in State.values}

    @property
    def has_ended(self) -> bool:
        return self.execution.state in ENDED and all(
            state in ENDED for counts in self.functions.values() for state, count in counts.items() if count
        )

    @property
    def is_well(self) -> bool:
        """Whether all that has ended has succeeded."""
        bad = ENDED - {State.SUCCEEDED}
        return self.execution.state not in bad and not any(self.by_state[state] for state in bad)


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    """Ends with 1 if it, or one of its children, has ended in another way than by success."""
    printer, id = Printer(this, options), command.execution(options["id"]).id
    ends = time.monotonic() + options["timeout"] if options["timeout"] is not None else float("inf")
    view = _live(printer, printer.console, id, ends) if printer.console else _lines(printer, id, ends)
    if not view.has_ended:
        raise CommandError(f"{view.execution} has not ended yet.", returncode=exits.TIMED_OUT)
    if not view.is_well:
        sys.exit(exits.FAILED)


def _live(printer: Printer, console: Console, id: UUID, ends: float) -> View:
    from rich.live import Live

    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            view = _look(id)
            live.update(_tree(printer, view), refresh=True)
            if view.has_ended or time.monotonic() > ends:
                return view
            time.sleep(max(INTERVAL, SHARE * view.took))


def _lines(printer: Printer, id: UUID, ends: float) -> View:
    before: object = None
    while True:
        view = _look(id)
        told = (view.execution.state, view.execution.attempt, view.functions)
        if told != before:
            before = told
            _print(printer, view)
        if view.has_ended or time.monotonic() > ends:
            return view
        time.sleep(max(INTERVAL, SHARE * view.took))


def _look(id: UUID) -> View:
    """Waits while the database is away."""
    while True:
        try:
            begun = time.monotonic()
            return replace(_view(id), took=time.monotonic() - begun)
        except (OperationalError, InterfaceError):
            connections[ledger()].close()
            time.sleep(INTERVAL)


def _view(id: UUID) -> View:
    rows = Execution.objects.using(ledger()).defer("arguments_json", "result_json")
    execution = rows.filter(pk=id).first()
    if execution is None:
        raise CommandError(f"{id} has been taken away by retention.", returncode=exits.NOT_FOUND)
    children = rows.filter(parent_id=id)
    functions: dict[str, dict[str, int]] = {}
    for function, state, count in (
        children.order_by("function").values_list("function", "state").annotate(count=Count("pk"))
    ):
        functions.setdefault(function, {})[state] = count
    has = {state for counts in functions.values() for state in counts}
    shown = [state for state in (State.STARTED, State.FAILED) if state in has]
    named = tuple(each for state in shown for each in children.filter(state=state)[:NAMED])
    return View(execution=execution, functions=functions, named=named)


def _print(printer: Printer, view: View) -> None:
    execution = view.execution
    if printer.is_json:
        counts = {state: count for state, count in view.by_state.items() if count}
        head = {"id": execution.id, "function": execution.function, "state": execution.state}
        printer.json_line({**head, "attempt": execution.attempt, "children": counts, "at": now()})
        return
    printer.line(f"{execution}: {_told(execution)}{f'; children {_counts(view.by_state)}' if view.functions else ''}")


def _told(execution: Execution) -> str:
    attempt = f", attempt {execution.attempt}" if execution.attempt > 1 else ""
    reason = f": {first_line(execution.reason)}" if execution.reason else ""
    return f"{execution.state}{attempt}{reason}"


def _counts(counts: dict[str, int]) -> str:
    total, ended = sum(counts.values()), sum(counts.get(state, 0) for state in ENDED)
    each = ", ".join(f"{counts[state]:,} {state}" for state in State.values if counts.get(state))
    return f"{ended:,}/{total:,} ended: {each}"


def _tree(printer: Printer, view: View) -> Any:
    from rich.tree import Tree

    execution = view.execution
    length = span((execution.ended_at or now()) - execution.created_at)
    told = _told(execution).removeprefix(execution.state)
    parts = (printer.state(execution.state), told, Cell(f" {execution} ", "title"), Cell(length, "quiet"))
    tree = Tree(rich_text(parts))
    for function, counts in view.functions.items():
        branch = tree.add(_branch(printer, function, counts))
        for each in view.named:
            if each.function == function:
                branch.add(rich_text((printer.state(each.state), f" {each.id} {first_line(each.reason)}".rstrip())))
    return tree


def _branch(printer: Printer, function: str, counts: dict[str, int]) -> Any:
    from rich.console import Group
    from rich.progress_bar import ProgressBar

    total, ended = sum(counts.values()), sum(counts.get(state, 0) for state in ENDED)
    states = [part for state in State.values if counts.get(state) for part in _signed(printer, state, counts[state])]
    bar = ProgressBar(total=total, completed=ended, width=WIDTH)
    return Group(rich_text((Cell(function, "title"), f" {ended:,}/{total:,} ", *states)), bar)


def _signed(printer: Printer, state: str, count: int) -> tuple[Cell, str]:
    return Cell(f"{printer.state(state).text} {count:,}", state), "  "


COMMAND = command.Command(
    name="watch",
    help="Watch an execution and its children until they have ended.",
    add_arguments=add_arguments,
    run=run,
)
