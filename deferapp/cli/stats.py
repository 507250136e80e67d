"""`manage.py defer stats`: what the charts show, as a table: how often functions ran, failed, waited and how long."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, Final

from django.core.management.base import BaseCommand

from deferapp.cli import command
from deferapp.cli.printer import Cell, Printer
from deferapp.cli.text import NOTHING, clean, count, moment, span
from deferapp.clock import now
from deferapp.tallies import read
from deferapp.tallies.read import Counts, ErrorTally, FunctionTally, Range
from deferapp.tallies.rebuild import rebuild

_BARS: Final = "▁▂▃▄▅▆▇█"
_ERRORS: Final = 10
"""Groups of errors that are named."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("function", nargs="?", help="Only this one; the end of its name will do.")
    parser.add_argument(
        "--range",
        choices=read.RANGES,
        default=read.DEFAULT_RANGE,
        help=f"How far back (default: {read.DEFAULT_RANGE}).",
    )
    parser.add_argument(
        "--rebuild", action="store_true", help="Count anew from what the ledger has kept, and print nothing else."
    )
    command.add_json(parser)


def run(this: BaseCommand, options: dict[str, Any]) -> None:
    printer = Printer(this, options)
    if options["rebuild"]:
        _rebuild(printer)
        return
    only = command.function(options["function"]).name if options["function"] else None
    range = read.time_range(options["range"], now())
    tallies = {name: tally for name, tally in read.by_function(range).items() if only in (None, name)}
    errors = read.errors(range, only, most=_ERRORS)
    total = Counts.total(tally.counts for tally in tallies.values())
    if printer.is_json:
        printer.json(_record(range, tallies, errors, total))
    elif tallies:
        _print(printer, tallies, errors, total)
    else:
        printer.line(f"Nothing has ended since {moment(range.begins_at)}.")


def _rebuild(printer: Printer) -> None:
    counted = rebuild()
    if printer.is_json:
        printer.json({"counted": counted})
    else:
        printer.line(f"{count(counted, 'end')} counted anew.")


def _print(printer: Printer, tallies: dict[str, FunctionTally], errors: Sequence[ErrorTally], total: Counts) -> None:
    titles = ("function", "trend", "ended", "ok", "failed", "retried", "p50", "p95", "p95 wait")
    rows = [(name, _trend(printer, tally.trend), *_cells(tally.counts)) for name, tally in tallies.items()]
    if len(rows) > 1:
        rows.append(("all", "", *_cells(total)))
    printer.table(titles, rows, right=titles[2:], whole=titles[1:2])
    if errors:
        printer.line()
        table = [
            (Cell(f"{each.count:,}", "failed"), str(each.group), clean(each.group.message), each.group.key)
            for each in errors
        ]
        printer.table(("errors", "in", "message", "error:"), table, right=("errors",), whole=("error:",))


def _cells(counts: Counts) -> list[str | Cell]:
    return [
        f"{counts.ended:,}",
        NOTHING if counts.ok is None else f"{counts.ok:.1%}",
        Cell(f"{counts.failed:,}", "failed" if counts.failed else ""),
        f"{counts.retried:,}",
        span(counts.duration(0.5)),
        span(counts.duration(0.95)),
        span(counts.wait(0.95)),
    ]


def _trend(printer: Printer, values: Sequence[int]) -> str:
    """Bars, at most 30 of them; on a terminal alone, since nobody reads them in a file."""
    if printer.console is None or not printer.can_print(_BARS):
        return ""
    width = -(-len(values) // 30)
    sums = [sum(values[at : at + width]) for at in range(0, len(values), width)]
    top = max(sums) or 1
    return "".join(_BARS[-(-value * (len(_BARS) - 1) // top)] if value else " " for value in sums)


def _record(
    range: Range, tallies: dict[str, FunctionTally], errors: Sequence[ErrorTally], total: Counts
) -> dict[str, Any]:
    return {
        "range": range.key,
        "begins_at": range.begins_at,
        "ends_at": range.ends_at,
        "step": range.step,
        "total": _counts(total),
        "functions": [
            {"function": name, **_counts(tally.counts), "trend": tally.trend, "failed_trend": tally.failed_trend}
            for name, tally in tallies.items()
        ],
        "errors": [
            {
                "key": each.group.key,
                "function": each.group.function,
                "error_type": each.group.error_type,
                "place": each.group.place,
                "message": clean(each.group.message),
                "count": each.count,
                "first_at": each.group.first_at,
                "last_at": each.group.last_at,
            }
            for each in errors
        ],
    }


def _counts(counts: Counts) -> dict[str, Any]:
    names = ("ended", "succeeded", "retried", "failed", "cancelled", "discarded", "ok")
    lengths = {
        "duration_p50": counts.duration(0.5),
        "duration_p95": counts.duration(0.95),
        "wait_p50": counts.wait(0.5),
        "wait_p95": counts.wait(0.95),
    }
    return {**{name: getattr(counts, name) for name in names}, **lengths}


COMMAND = command.Command(
    name="stats",
    help="How often functions ran and failed, and how long they took.",
    add_arguments=add_arguments,
    run=run,
)
