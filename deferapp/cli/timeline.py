"""An execution in time, as text: a line for each wait and each attempt, beneath each other and to scale. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from deferapp.cli.printer import Cell
from deferapp.cli.text import SIGNS, span
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution

WIDTH: Final = 40
"""Characters from the beginning to the end."""
MARKS: Final = {"wait": "░", "run": "▓", **SIGNS}
ASCII_MARKS: Final = {"wait": ".", "run": "#", **dict.fromkeys(SIGNS, "")}
_RUNS: Final = (State.STARTED, State.ABORTING)


@dataclass(frozen=True, kw_only=True)
class Piece:
    name: str
    begins_at: datetime
    ends_at: datetime
    state: str = ""
    """How the attempt ended, or that it runs; "" for a wait."""
    note: str = ""


def pieces(execution: Execution, attempts: Sequence[Attempt], moment: datetime) -> list[Piece]:
    """Its waits and attempts in order; those that go on end at the moment."""
    found: list[Piece] = []
    before = attempts[0].due_at if attempts and attempts[0].number > 1 else execution.created_at
    for attempt in attempts:
        found += _wait(before, attempt.started_at, is_first=not found)
        found.append(_ran(attempt))
        before = attempt.ended_at
    if execution.state in _RUNS and execution.started_at:
        found += _wait(before, execution.started_at, is_first=not found)
        name, state = f"attempt {execution.attempt}", execution.state
        found.append(Piece(name=name, begins_at=execution.started_at, ends_at=moment, state=state, note="so far"))
    elif execution.state == State.CREATED:
        found += _wait(before, max(moment, execution.due_at), is_first=not found)
    return found


def rows(pieces: Sequence[Piece], marks: Mapping[str, str]) -> list[list[str | Cell]]:
    """Name, bar, length and note of each."""
    begin = min(piece.begins_at for piece in pieces)
    whole = max(piece.ends_at for piece in pieces) - begin or timedelta(microseconds=1)
    return [
        [piece.name, _bar(piece, begin, whole, marks), span(piece.ends_at - piece.begins_at), _note(piece)]
        for piece in pieces
    ]


def _wait(begins_at: datetime | None, ends_at: datetime, *, is_first: bool) -> Iterator[Piece]:
    if begins_at is not None and begins_at < ends_at:
        yield Piece(name="wait" if is_first else "back-off", begins_at=begins_at, ends_at=ends_at)


def _ran(attempt: Attempt) -> Piece:
    return Piece(
        name=f"attempt {attempt.number}",
        begins_at=attempt.started_at,
        ends_at=max(attempt.ended_at, attempt.started_at),
        state=attempt.outcome,
        note=attempt.error_code,
    )


def _bar(piece: Piece, begin: datetime, whole: timedelta, marks: Mapping[str, str]) -> Cell:
    left = min(round((piece.begins_at - begin) / whole * WIDTH), WIDTH - 1)
    right = max(round((piece.ends_at - begin) / whole * WIDTH), left + 1)
    mark = marks["run"] if piece.state else marks["wait"]
    return Cell(" " * left + mark * (right - left) + marks.get(piece.state, ""), piece.state or "quiet")


def _note(piece: Piece) -> str:
    return f"{piece.state} {piece.note}".strip()
