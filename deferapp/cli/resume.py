"""`manage.py defer resume FUNCTION …`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from deferapp.cli import command
from deferapp.cli.printer import Printer


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    with Printer(this, options).report() as report:
        for function in [command.function(name) for name in options["functions"]]:
            function.resume()
            report.add(f"{function.name}: resumed", function=function.name, is_paused=False)


COMMAND = command.Command(
    name="resume", help="Run what was held for functions.", add_arguments=command.add_functions, run=run
)
