"""An execution's attempts on one line, to scale: what it waited for, how long it ran, when it tries again.

Its limits: what is shorter than the eye can see gets a smallest width, and the rest shares what is left; the time
between a last failure and a person's retry, which may be days, has one width, whatever it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from deferapp.admin.display import STATE_SIGNS, span
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution

DELAY, WAIT, BACKOFF, REST = "delay", "wait", "backoff", "rest"
_RUNS: Final = (State.STARTED, State.ABORTING)
_NEVER_RAN_AGAIN: Final = (State.CANCELLED, State.DISCARDED)
_LEAST: Final = {DELAY: 0.8, WAIT: 0.8, BACKOFF: 0.8, REST: 4.0}
"""Smallest widths, in hundredths of the line; of an attempt `_LEAST_ATTEMPT`, so that its sign has room."""
_LEAST_ATTEMPT: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of the line."""

    kind: str
    """`delay`, `wait`, `backoff` or `rest`; of an attempt its outcome, or the state of one that runs."""
    begins_at: datetime
    ends_at: datetime
    attempt: int = 0
    """The number of the attempt that it is; 0 if it is none."""
    is_open: bool = False
    """Whether it goes on: it ends now, or is to end then."""

    @property
    def length(self) -> timedelta:
        return max(self.ends_at - self.begins_at, timedelta())


def pieces(execution: Execution, attempts: Sequence[Attempt], moment: datetime) -> list[Piece]:
    """What happened from its creation on, or from the first of `attempts` on if earlier ones are left out."""
    found: list[Piece] = []
    begins_at, gap = _beginning(execution, attempts)
    for each in attempts:
        found += _waited(gap, begins_at, each.due_at or begins_at, each.started_at)
        found.append(Piece(kind=each.outcome, begins_at=each.started_at, ends_at=each.ended_at, attempt=each.number))
        begins_at, gap = each.ended_at, BACKOFF if each.retry_at else REST
    found += _present(execution, gap, begins_at, moment)
    return [piece for piece in found if piece.attempt or piece.length or piece.is_open]


def widths(line: Sequence[Piece]) -> list[float]:
    """How wide each piece is, in hundredths of the line: to scale, but none less than the smallest width."""
    least = [_least(piece) for piece in line]
    weights = [0.0 if piece.kind == REST else piece.length.total_seconds() for piece in line]
    at_least = {index for index, weight in enumerate(weights) if weight == 0}
    while True:
        left = 100 - sum(least[index] for index in at_least)
        total = sum(weight for index, weight in enumerate(weights) if index not in at_least)
        small = {
            index
            for index, weight in enumerate(weights)
            if index not in at_least and weight / total * left < least[index]
        }
        if not small:
            break
        at_least |= small
    found = [least[i] if i in at_least else weights[i] / total * left for i in range(len(line))]
    return [width * 100 / sum(found) for width in found]


def context(execution: Execution, attempts: Sequence[Attempt], moment: datetime) -> dict[str, Any] | None:
    """What the template draws; None if nothing has happened yet."""
    line = pieces(execution, attempts, moment)
    if not line:
        return None
    begins_at, ends_at = line[0].begins_at, line[-1].ends_at
    parts = list(_parts(line))
    return {
        "parts": parts,
        "begins_at": begins_at,
        "total": _so_far(line[-1], span(ends_at - begins_at)),
        "text": "; ".join(part["text"] for part in parts),
    }


def _beginning(execution: Execution, attempts: Sequence[Attempt]) -> tuple[datetime, str]:
    if attempts and attempts[0].number > 1:
        return attempts[0].due_at or attempts[0].started_at, WAIT
    return execution.created_at, DELAY


def _waited(gap: str, begins_at: datetime, due_at: datetime, until: datetime) -> list[Piece]:
    due_at = min(max(due_at, begins_at), until)
    return [
        Piece(kind=gap, begins_at=begins_at, ends_at=due_at),
        Piece(kind=WAIT, begins_at=due_at, ends_at=until),
    ]


def _present(execution: Execution, gap: str, begins_at: datetime, moment: datetime) -> list[Piece]:
    """What goes on, or how it ended without a further attempt."""
    if execution.state == State.CREATED:
        if execution.due_at > moment:
            return [Piece(kind=gap, begins_at=begins_at, ends_at=execution.due_at, is_open=True)]
        before, waits = _waited(gap, begins_at, execution.due_at, moment)
        return [before, Piece(kind=WAIT, begins_at=waits.begins_at, ends_at=moment, is_open=True)]
    if execution.state in _RUNS and execution.started_at is not None:
        runs = Piece(
            kind=execution.state,
            begins_at=execution.started_at,
            ends_at=max(moment, execution.started_at),
            attempt=execution.attempt,
            is_open=True,
        )
        return [*_waited(gap, begins_at, execution.due_at, execution.started_at), runs]
    if execution.state in _NEVER_RAN_AGAIN and execution.ended_at is not None:
        return _waited(gap, begins_at, execution.due_at, execution.ended_at)
    return []


def _least(piece: Piece) -> float:
    return _LEAST_ATTEMPT if piece.attempt else _LEAST[piece.kind]


def _parts(line: Sequence[Piece]) -> Iterator[dict[str, Any]]:
    """Numbers are texts, since templates write them as the reader's language does."""
    begin = 0.0
    for piece, width in zip(line, widths(line), strict=True):
        yield {
            "kind": piece.kind,
            "x": f"{begin:.2f}%",
            "width": f"{width:.2f}%",
            "middle": f"{begin + width / 2:.2f}%",
            "sign": STATE_SIGNS[piece.kind] if piece.attempt else "",
            "is_open": piece.is_open,
            "text": _text(piece),
        }
        begin += width


def _text(piece: Piece) -> str:
    length = _so_far(piece, span(piece.length))
    if piece.attempt:
        state = State(piece.kind).label
        return _("attempt %(number)s %(state)s, %(time)s") % {"number": piece.attempt, "state": state, "time": length}
    names = {
        DELAY: _("delay %(time)s"),
        WAIT: _("wait %(time)s"),
        BACKOFF: _("backoff %(time)s"),
        REST: _("rest %(time)s, until it was retried"),
    }
    return names[piece.kind] % {"time": length}


def _so_far(last: Piece, length: str) -> str:
    """A wait for a moment that is known has its whole length; what runs, or waits for a worker, goes on."""
    return f"{length} …" if last.is_open and (last.attempt or last.kind == WAIT) else length
