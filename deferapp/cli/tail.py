"""`manage.py defer tail [WORD …]`: attempts as they end, until Ctrl-C.

Honest limits: what ends without an attempt, cancelled or discarded, is not seen; of more than 500 attempts a second it
lags behind; and one that is committed after 200 later ones is missed.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connections
from django.db.models import Max

from deferapp.cli import command, records
from deferapp.cli.printer import Cell, Printer
from deferapp.cli.text import first_line, local, span
from deferapp.executions.search import Search
from deferapp.models import Attempt, Execution, ledger

INTERVAL: Final = 1.0
"""Seconds between two looks."""
MOST: Final = 500
"""Attempts of one look."""
LATE: Final = 200
"""Rows that may come before others that have been seen, since a transaction's ids are older than its commit."""
LINES: Final = 10


def add_arguments(parser: ArgumentParser) -> None:
    command.add_words(parser)
    parser.add_argument("--failed", action="store_true", help="Only attempts that have failed, retried or not.")
    parser.add_argument("--lines", type=int, default=LINES, help=f"Earlier ones to begin with (default: {LINES}).")
    command.add_json(parser, "Print a JSON object a line.")


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    printer = Printer(this, options)
    follower = Follower(command.searched(options["words"]), failed=options["failed"])
    _print(printer, follower.earlier(max(0, options["lines"])))
    while True:
        time.sleep(INTERVAL)
        try:
            found = follower.new()
        except (OperationalError, InterfaceError) as error:
            this.stderr.write(f"The database is away: {first_line(str(error))}")
            connections[ledger()].close()
            continue
        _print(printer, found)


class Follower:
    """Which attempts have ended since it was asked last, that match."""

    def __init__(self, search: Search, *, failed: bool) -> None:
        self._search = search
        self._rows = Attempt.objects.using(ledger()).order_by("id")
        self._is_wanted = {"outcome": Attempt.Outcome.FAILED} if failed else {}
        self._latest: int = self._rows.aggregate(latest=Max("id"))["latest"] or 0
        # Those before the beginning are not new, even if they come late.
        self._seen = set(self._rows.filter(id__gt=self._latest - LATE).values_list("id", flat=True))

    def earlier(self, most: int) -> list[Attempt]:
        """The latest ones of before, up to so many, the oldest first."""
        rows = self._rows.filter(id__lte=self._latest, **self._is_wanted).order_by("-id")
        return self._matching(rows[: max(most, MOST)])[:most][::-1]

    def new(self) -> list[Attempt]:
        rows = list(self._rows.filter(id__gt=self._latest - LATE).exclude(id__in=self._seen)[:MOST])
        self._latest = max([self._latest, *(row.id for row in rows)])
        self._seen = {id for id in (*self._seen, *(row.id for row in rows)) if id > self._latest - LATE}
        return self._matching([row for row in rows if not self._is_wanted or row.outcome == Attempt.Outcome.FAILED])

    def _matching(self, attempts: Iterable[Attempt]) -> list[Attempt]:
        """Those whose executions match, with these."""
        attempts = list(attempts)
        executions = Execution.objects.using(ledger()).filter(pk__in={each.execution_id for each in attempts})
        found = {each.pk: each for each in self._search.apply(executions.defer("arguments_json", "result_json"))}
        for each in attempts:
            if each.execution_id in found:
                each.execution = found[each.execution_id]
        return [each for each in attempts if each.execution_id in found]


def _print(printer: Printer, attempts: Iterable[Attempt]) -> None:
    for attempt in attempts:
        if printer.is_json:
            named = {"id": attempt.execution_id, "function": attempt.execution.function}
            record = records.of_attempt(attempt)
            del record["traceback"]
            printer.json_line({**named, **record})
        else:
            printer.line(*_parts(printer, attempt))


def _parts(printer: Printer, attempt: Attempt) -> Iterable[str | Cell]:
    yield Cell(f"{local(attempt.ended_at):%H:%M:%S} ", "quiet")
    yield printer.state(attempt.outcome)
    yield f" {attempt.execution.function} "
    yield Cell(str(attempt.execution_id), "quiet")
    yield f" attempt {attempt.number}, {span(max(attempt.ended_at - attempt.started_at, timedelta()))}"
    if attempt.error_message or attempt.error_type:
        told = f"{attempt.error_type}: {attempt.error_message}" if attempt.error_type else attempt.error_message
        yield f": {first_line(told)}"
    if attempt.retry_at:
        yield Cell(f" (again at {local(attempt.retry_at):%H:%M:%S})", "quiet")


COMMAND = command.Command(
    name="tail", help="Follow attempts as they end or fail, until Ctrl-C.", add_arguments=add_arguments, run=run
)
