"""Where commands print to: tables and colours by rich on a terminal, plain lines elsewhere, or JSON.

Rich is an extra (`deferapp[cli]`), imported when a terminal is there to print to; without it terminals get plain lines.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from uuid import UUID

from deferapp.cli.text import SIGNS, visible

if TYPE_CHECKING:
    from django.core.management.base import BaseCommand
    from rich.console import Console

_STYLES: Final = {
    "started": "cyan",
    "succeeded": "green",
    "failed": "bold red",
    "cancelled": "yellow",
    "aborting": "yellow",
    "aborted": "yellow",
    "discarded": "magenta",
    "title": "bold",
    "quiet": "dim",
}
"""Of rich, for states and for parts of a text."""
_GAP: Final = "  "
_WIDE: Final = 140
"""Characters of a line from which on ids are written in full."""


class Cell(NamedTuple):
    """A text of its own style: a state, `title` or `quiet`."""

    text: str
    style: str = ""


class Printer:
    def __init__(self, this: BaseCommand, options: dict[str, Any]) -> None:
        self.is_json: bool = options.get("json", False)
        self._write = this.stdout.write
        self._file = getattr(this.stdout, "_out", this.stdout)
        self.console = None if self.is_json else _console(self._file, options)

    def json(self, value: Any) -> None:
        self._write(json.dumps(value, indent=2, ensure_ascii=False, default=_as_json))

    def json_line(self, value: Any) -> None:
        self._write(json.dumps(value, ensure_ascii=False, default=_as_json))
        self._file.flush()

    def line(self, *parts: str | Cell) -> None:
        """One line of parts, which may have styles on a terminal."""
        if self.console is not None:
            self.console.print(rich_text(parts), soft_wrap=True)
            return
        self._write("".join(visible(_cell(part).text) for part in parts))
        self._file.flush()

    def table(
        self,
        titles: Sequence[str],
        rows: Sequence[Sequence[str | Cell]],
        *,
        right: Sequence[str] = (),
        whole: Sequence[str] = (),
    ) -> None:
        """A table with a line for each row. Columns in `right` are numbers; they and those in `whole` never wrap."""
        cleaned = [[Cell(visible(text).replace("\n", " "), style) for text, style in map(_cell, row)] for row in rows]
        if self.console is None:
            for line in _plain(titles, cleaned, right):
                self._write(line)
        else:
            self.console.print(_rich_table(titles, cleaned, right, whole))

    def state(self, state: str) -> Cell:
        """A state with its sign, where that can be printed."""
        sign = SIGNS.get(state, "?")
        return Cell(f"{sign} {state}" if self.console is not None and self.can_print(sign) else state, state)

    def id(self, id: UUID) -> str:
        """An id; on a terminal that is not wide the end of it, which commands understand of recent ones."""
        is_narrow = self.console is not None and self.console.width < _WIDE
        return f"…{id.hex[-8:]}" if is_narrow and self.can_print("…") else str(id)

    def name(self, function: str) -> str:
        """A function's name, likewise: the last part of it."""
        is_narrow = self.console is not None and self.console.width < _WIDE
        return function.rpartition(".")[2] if is_narrow else function

    def can_print(self, text: str) -> bool:
        try:
            text.encode(getattr(self._file, "encoding", None) or "utf-8")
        except UnicodeEncodeError:
            return False
        return True

    @contextmanager
    def report(self) -> Iterator[Report]:
        """For commands that do one thing after the other: what was done is told, also if the next one fails."""
        report = Report(self)
        try:
            yield report
        finally:
            report.end()


class Report:
    """A line for each thing at once, or one JSON array of all."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer
        self._records: list[dict[str, Any]] = []

    def add(self, line: str, **record: Any) -> None:
        self._records.append(record)
        if not self._printer.is_json:
            self._printer.line(line)

    def end(self) -> None:
        if self._printer.is_json:
            self._printer.json(self._records)


def rich_text(parts: Sequence[str | Cell]) -> Any:
    from rich.text import Text

    return Text.assemble(*((visible(text), _STYLES.get(style, "")) for text, style in map(_cell, parts)))


def _rich_table(
    titles: Sequence[str], rows: Sequence[Sequence[Cell]], right: Sequence[str], whole: Sequence[str]
) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(titles))
    for title in titles:
        justify: Literal["left", "right"] = "right" if title in right else "left"
        table.add_column(title, justify=justify, no_wrap=title in (*right, *whole), overflow="fold")
    for row in rows:
        table.add_row(*(Text(text, style=_STYLES.get(style, "")) for text, style in row))
    return table


def _console(file: Any, options: dict[str, Any]) -> Console | None:
    is_forced = options.get("force_color", False)
    if not is_forced and not (hasattr(file, "isatty") and file.isatty()):
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(
        file=file,
        force_terminal=True if is_forced else None,
        no_color=options.get("no_color") or "NO_COLOR" in os.environ,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _plain(titles: Sequence[str], rows: Sequence[Sequence[Cell]], right: Sequence[str]) -> Iterator[str]:
    lines = [list(titles), *([cell.text for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for line in lines if any(titles) else lines[1:]:
        texts = [
            text.rjust(width) if title in right else text.ljust(width)
            for text, width, title in zip(line, widths, titles, strict=True)
        ]
        yield _GAP.join(texts).rstrip()


def _cell(value: str | Cell) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)


def _as_json(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
