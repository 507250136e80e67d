"""What `manage.py defer` prints without a command. It asks nobody, so that it works when nothing else does."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from deferapp.cli import GROUPS
from deferapp.cli.printer import Cell, Printer

_EXAMPLES = (
    ("executions state:failed since:2h", "what has failed lately; `-h` after a command tells more"),
    ("show 5a0d2f1b", "one of them, by the end of its id: attempts, traceback, log"),
    ("retry 5a0d2f1b", "and again"),
    ("doctor", "when nothing runs: why, and what to do"),
)


def show(this: BaseCommand, options: dict[str, Any]) -> None:
    printer = Printer(this, options)
    printer.line("Background functions and schedules: ", Cell("manage.py defer COMMAND", "title"))
    width = max(len(command.name) for group in GROUPS.values() for command in group)
    for title, commands in GROUPS.items():
        printer.line()
        printer.line(Cell(title, "quiet"))
        for command in commands:
            printer.line("  ", Cell(command.name.ljust(width), "title"), f"  {command.help}")
    printer.line()
    width = max(len(words) for words, _ in _EXAMPLES)
    for words, told in _EXAMPLES:
        printer.line(f"  defer {words.ljust(width)}  ", Cell(told, "quiet"))
    printer.line()
    printer.line(
        Cell("--json prints JSON. Ends with 0: well, 1: failed or found, 2: wrong use, 3: not found.", "quiet")
    )
