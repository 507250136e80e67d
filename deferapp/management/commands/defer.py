"""`manage.py defer …`: what people do with background functions from a shell. The commands are in `deferapp.cli`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from deferapp.cli import COMMANDS


class Command(BaseCommand):
    help = "Background functions and schedules."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True, metavar="command")
        for command in COMMANDS:
            command.add_arguments(commands.add_parser(command.name, help=command.help, description=command.help))

    def handle(self, *_args: Any, **options: Any) -> None:
        chosen = next(command for command in COMMANDS if command.name == options["command"])
        chosen.run(self, options)
