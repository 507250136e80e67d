"""`manage.py defer rerun ID …`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from deferapp.cli import command
from deferapp.cli.printer import Printer


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    with Printer(this, options).report() as report:
        for id in options["ids"]:
            execution = command.execution(id)
            again = execution.rerun()
            report.add(f"{execution}: runs again as {again.id}", id=again.id, state=again.state, rerun_of=execution.id)


COMMAND = command.Command(
    name="rerun", help="Run executions again, as new ones, now.", add_arguments=command.add_ids, run=run
)
