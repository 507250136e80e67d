"""`manage.py defer …`: what people do with background functions from a shell."""

from __future__ import annotations

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV

from deferapp.embedded import EmbeddedWorker


class Command(BaseCommand):
    help = "Background functions and schedules."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True, metavar="command")
        dev = commands.add_parser("dev", help="Worker, schedules and web server in this one process, for development.")
        dev.add_argument("addrport", nargs="?", default="8000", help="Port, or address:port, of the web server.")
        dev.add_argument("--concurrency", type=int, default=4, help="How many functions run at once (default: 4).")
        dev.add_argument("--noreload", action="store_true", help="Do not start again when code changes.")

    def handle(self, *_args: Any, **options: Any) -> None:
        self._dev(options["addrport"], options["concurrency"], reloads=not options["noreload"])

    def _dev(self, addrport: str, concurrency: int, *, reloads: bool) -> None:
        only_watches_for_changes = reloads and os.environ.get(DJANGO_AUTORELOAD_ENV) != "true"
        if only_watches_for_changes:
            call_command("runserver", addrport, use_reloader=True)
            return
        with EmbeddedWorker(concurrency):
            self.stdout.write(self.style.SUCCESS("Functions and schedules run in this process."))
            call_command("runserver", addrport, use_reloader=reloads)
