"""Plain lines, tables of rich, JSON; and that nothing reaches a terminal which it would obey."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management.base import BaseCommand

from deferapp.cli.printer import Cell, Printer
from deferapp.cli.text import clean, first_line, span

ID = UUID("0199e2a4-7d11-7c3e-9d4e-5a0d2f1b6c7e")


class Terminal(io.StringIO):
    """What says that it is a terminal."""

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


class AsciiTerminal(Terminal):
    encoding = "ascii"


def printer(file: io.StringIO, **options: Any) -> Printer:
    return Printer(BaseCommand(stdout=file), options)


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)


ROWS = [("a", Cell("✓ succeeded", "succeeded"), "7"), ("bb", Cell("failed", "failed"), "12")]


def test_elsewhere_tables_are_aligned_lines_without_colours() -> None:
    file = io.StringIO()
    printer(file).table(("name", "state", "n"), ROWS, right=("n",))
    assert file.getvalue() == "name  state         n\na     ✓ succeeded   7\nbb    failed       12\n"


def test_on_a_terminal_tables_have_colours_and_lines() -> None:
    file = Terminal()
    printer(file).table(("name", "state", "n"), ROWS, right=("n",))
    assert "\x1b[32m✓ succeeded\x1b[0m" in file.getvalue()
    assert "─" in file.getvalue()


def test_without_rich_a_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    file = Terminal()
    printer(file).table(("name",), [("a",)])
    printer(file).line(Cell("styled", "title"))
    assert file.getvalue() == "name\na\nstyled\n"


@pytest.mark.parametrize("options", [{"no_color": True}, {}])
def test_colours_can_be_turned_off(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    if not options:
        monkeypatch.setenv("NO_COLOR", "1")
    file = Terminal()
    printer(file, **options).line(Cell("bad", "failed"))
    assert "31m" not in file.getvalue()


def test_colours_can_be_forced() -> None:
    file = io.StringIO()
    printer(file, force_color=True).line(Cell("bad", "failed"))
    assert "31m" in file.getvalue()


def test_nothing_that_a_terminal_obeys_is_printed_nor_taken_for_markup() -> None:
    for file in (Terminal(), io.StringIO()):
        here = printer(file)
        here.line("\x1b]0;owned\x07 [bold]x[/bold] \u202e")
        here.table(("a",), [("\x1b[2J",)])
        assert "\\x1b]0;owned\\x07 [bold]x[/bold] \\u202e" in file.getvalue()
        assert "\\x1b[2J" in file.getvalue()


def test_a_row_stays_one_line_elsewhere() -> None:
    file = io.StringIO()
    printer(file).table(("a",), [("x\ny",)])
    assert file.getvalue() == "a\nx y\n"


def test_signs_stand_on_terminals_that_can_print_them() -> None:
    assert printer(Terminal()).state("failed") == Cell("✕ failed", "failed")
    assert printer(AsciiTerminal()).state("failed") == Cell("failed", "failed")
    assert printer(io.StringIO()).state("failed") == Cell("failed", "failed")


def test_ids_and_names_are_short_on_narrow_terminals_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printer(io.StringIO()).id(ID) == str(ID)
    assert (printer(Terminal()).id(ID), printer(Terminal()).name("shop.defer.mail")) == ("…2f1b6c7e", "mail")
    monkeypatch.setenv("COLUMNS", "200")
    assert (printer(Terminal()).id(ID), printer(Terminal()).name("shop.defer.mail")) == (str(ID), "shop.defer.mail")


def test_json_has_no_colours_even_on_a_terminal_and_times_in_iso() -> None:
    file = Terminal()
    here = printer(file, json=True)
    here.json({"at": datetime(2026, 1, 2, tzinfo=UTC), "length": timedelta(seconds=1.5), "id": ID, "text": "é"})
    value = {"at": "2026-01-02T00:00:00+00:00", "length": 1.5, "id": str(ID), "text": "é"}
    assert json.loads(file.getvalue()) == value
    with pytest.raises(TypeError):
        here.json(object())


def test_what_was_done_before_an_error_is_reported() -> None:
    file = io.StringIO()
    here = printer(file, json=True)

    def work() -> None:
        with here.report() as report:
            report.add("done", id=1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert json.loads(file.getvalue()) == [{"id": 1}]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.23, "230 ms"),
        (1.94, "1.9 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3_600, "1 h"),
        (11_040, "3 h 4 min"),
        (453_600, "5 d 6 h"),
        (-3, "0 ms"),
    ],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text


def test_texts_are_redacted_and_cut() -> None:
    assert "hunter2" not in clean("password=hunter2")
    assert first_line("  one\ntwo") == "one"
    assert first_line("x" * 300) == "x" * 199 + "…"
