"""A command that enqueues."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tests.shop.defer.note import note


class Command(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(str(note(options["text"]).id))
