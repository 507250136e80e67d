"""`manage.py defer pause FUNCTION …`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from deferapp.cli import command


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    for function in [command.function(name) for name in options["functions"]]:
        function.pause()
        this.stdout.write(f"{function.name}: paused")


COMMAND = command.Command(
    name="pause",
    help="Hold the executions of functions, which go on accepting them.",
    add_arguments=command.add_functions,
    run=run,
)
