"""`manage.py defer …`: what people do with background functions from a shell. The commands are in `deferapp.cli`."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from deferapp.cli import COMMANDS, exits, overview


class Command(BaseCommand):
    help = "Background functions and schedules."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", metavar="command")
        for command in COMMANDS:
            command.add_arguments(commands.add_parser(command.name, help=command.help, description=command.help))

    def handle(self, *_args: Any, **options: Any) -> None:
        chosen = next((command for command in COMMANDS if command.name == options["command"]), None)
        try:
            (chosen.run if chosen else overview.show)(self, options)
        except KeyboardInterrupt:
            sys.exit(exits.INTERRUPTED)
        except BrokenPipeError:
            # Whoever read our output, as `head` does, has had enough. Python would complain when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
