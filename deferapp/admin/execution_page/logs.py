"""What a function logged in an attempt, line by line; what is secret was starred out when it was written."""

from __future__ import annotations

from typing import Any, Final

from deferapp.admin.display import local
from deferapp.executions.logs.read import LogLine, LogOfAttempt
from deferapp.visible import visible

_KINDS: Final = {"DEBUG": "quiet", "WARNING": "aborting", "ERROR": "failed", "CRITICAL": "failed"}
"""The class of the style sheet for a level that is not an everyday one."""


def context(log: LogOfAttempt) -> dict[str, Any]:
    return {
        "first": [_line(line) for line in log.first],
        "dropped": log.dropped,
        "last": [_line(line) for line in log.last],
        "count": len(log.first) + log.dropped + len(log.last),
    }


def _line(line: LogLine) -> dict[str, str]:
    return {
        "at": line.moment.isoformat(timespec="milliseconds"),
        "clock": f"{local(line.moment):%H:%M:%S.%f}"[:-3],
        "level": visible(line.level),
        "kind": _KINDS.get(line.level, "usual"),
        "logger": visible(line.logger),
        "text": visible(line.text),
    }
