"""`manage.py defer pause FUNCTION …`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from deferapp.cli import command
from deferapp.cli.printer import Printer


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    with Printer(this, options).report() as report:
        for function in [command.function(name) for name in options["functions"]]:
            function.pause()
            report.add(f"{function.name}: paused", function=function.name, is_paused=True)


COMMAND = command.Command(
    name="pause",
    help="Hold the executions of functions, which go on accepting them.",
    add_arguments=command.add_functions,
    run=run,
)
