"""The page on reliability has each fault that is caused, with what was seen of it."""

from __future__ import annotations

from pathlib import Path

from tests.faults.table import HEADER, ROWS, Row

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def _cells(row: Row) -> list[str]:
    return [row.fault, row.plain, row.practice, row.promised]


def test_every_fault_stands_on_the_page_with_what_was_seen_and_no_other_does() -> None:
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    head, *rows = lines[lines.index(list(HEADER)) :]
    table = [row for row in rows[: len(ROWS) + 1] if not row[0].startswith("---")]
    assert [row[:-1] for row in table] == [_cells(row) for row in ROWS.values()]
    assert all(len(row) == len(head) and row[-1] for row in table)
