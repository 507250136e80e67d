"""`manage.py defer rerun ID …`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from deferapp.cli import command


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    for id in options["ids"]:
        execution = command.execution(id)
        this.stdout.write(f"{execution}: runs again as {execution.rerun().id}")


COMMAND = command.Command(
    name="rerun", help="Run executions again, as new ones, now.", add_arguments=command.add_ids, run=run
)
