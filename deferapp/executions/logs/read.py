"""Logs as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from deferapp.models import AttemptLog, ledger


@dataclass(frozen=True, kw_only=True)
class LogLine:
    moment: datetime
    level: str
    """As in `WARNING`."""
    logger: str
    text: str
    """Redacted when it was written; it may have several lines."""


@dataclass(frozen=True, kw_only=True)
class LogOfAttempt:
    number: int
    """The attempt's."""
    first: tuple[LogLine, ...]
    dropped: int
    """How many were between the first and the last, and are not kept."""
    last: tuple[LogLine, ...]


def of(execution_id: UUID) -> dict[int, LogOfAttempt]:
    """The logs of an execution's attempts, by number; those that have logged nothing are left out. One query."""
    rows = AttemptLog.objects.using(ledger()).filter(execution_id=execution_id).order_by("number")
    return {row.number: _read(row) for row in rows}


def _read(row: AttemptLog) -> LogOfAttempt:
    gap = row.lines.index(None) if None in row.lines else len(row.lines)
    return LogOfAttempt(
        number=row.number,
        first=tuple(_line(*line) for line in row.lines[:gap]),
        dropped=row.dropped,
        last=tuple(_line(*line) for line in row.lines[gap + 1 :]),
    )


def _line(moment: str, level: str, logger: str, text: str) -> LogLine:
    return LogLine(moment=datetime.fromisoformat(moment), level=level, logger=logger, text=text)
