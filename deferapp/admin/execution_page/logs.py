"""What a function logged in an attempt, line by line, redacted."""

from __future__ import annotations

from typing import Any, Final

from deferapp.models import AttemptLog, Execution
from deferapp.redact import redact_text
from deferapp.visible import visible

SHOWN: Final = 3
"""Attempts whose logs a page shows, the latest: each may have 64 KiB."""
_LEVELS: Final = {"DEBUG": "quiet", "WARNING": "aborting", "ERROR": "failed", "CRITICAL": "failed"}
"""The class of the style sheet for a level that is not an everyday one."""


def of(execution: Execution) -> dict[int, AttemptLog]:
    """The latest logs by the number of their attempt."""
    rows = AttemptLog.objects.filter(execution=execution).order_by("-number")[:SHOWN]
    return {log.number: log for log in rows}


def context(log: AttemptLog) -> dict[str, Any]:
    return {
        "lines": [_line(line) for line in log.lines if isinstance(line, list) and len(line) == 4],
        "dropped": log.dropped,
    }


def _line(line: list[Any]) -> dict[str, str]:
    at, level, logger, text = (visible(str(part)) for part in line)
    return {
        "at": at,
        "clock": at.partition("T")[2][:12],
        "level": level,
        "kind": _LEVELS.get(level, "usual"),
        "logger": logger,
        "text": redact_text(text),
    }
