"""`manage.py defer dev`: worker, schedules and web server in one process, with nothing else to start."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV

from deferapp.cli.command import Command
from deferapp.embedded import EmbeddedWorker


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("addrport", nargs="?", default="8000", help="Port, or address:port, of the web server.")
    parser.add_argument("--concurrency", type=int, default=4, help="How many functions run at once (default: 4).")
    parser.add_argument("--noreload", action="store_true", help="Do not start again when code changes.")


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    reloads = not options["noreload"]
    only_watches_for_changes = reloads and os.environ.get(DJANGO_AUTORELOAD_ENV) != "true"
    if only_watches_for_changes:
        call_command("runserver", options["addrport"], use_reloader=True)
        return
    with EmbeddedWorker(options["concurrency"]):
        this.stdout.write(this.style.SUCCESS("Functions and schedules run in this process."))
        call_command("runserver", options["addrport"], use_reloader=reloads)


COMMAND = Command(
    name="dev",
    help="Worker, schedules and web server in this one process, for development.",
    add_arguments=add_arguments,
    run=run,
)
