"""`manage.py defer resume FUNCTION …`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from deferapp.cli import command


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    for function in [command.function(name) for name in options["functions"]]:
        function.resume()
        this.stdout.write(f"{function.name}: resumed")


COMMAND = command.Command(
    name="resume", help="Run what was held for functions.", add_arguments=command.add_functions, run=run
)
