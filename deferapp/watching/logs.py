"""The execution in each line that a project logs: for the standard library's `logging`, and for structlog.

Names stand in `LOGGING`, which is read before any app is loaded, so no model is imported here. Honest limit: a thread
that a body starts by itself, without its context, does not know what it belongs to.
"""

from __future__ import annotations

import json
import logging
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

from deferapp.executions.current import current_execution

OUTSIDE: Final = "-"
"""What a line says where no execution runs."""
_FIELDS: Final = ("execution_id", "execution_function", "execution_attempt", "execution_parent_id")
_STANDARD: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"})
"""What every record has, or formatters add: not what somebody has said in `extra`."""


class ExecutionFilter(logging.Filter):
    """Gives each record `execution_id`, `execution_function`, `execution_attempt` and `execution_parent_id`.

    Lets everything through. Belongs to a handler: a logger's filters do not see what comes from the loggers below it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        # A queue's handler has noted it in the thread that said it; its listener's thread knows nothing of that.
        if not hasattr(record, _FIELDS[0]):
            vars(record).update(dict.fromkeys(_FIELDS, OUTSIDE) | _of_here())
        return True


class JsonFormatter(logging.Formatter):
    """One line of JSON for each record: what was said, the execution that runs, and what `extra` says.

    Values that JSON does not know are written as `str` has them. The time is in UTC.
    """

    def format(self, record: logging.LogRecord) -> str:
        ExecutionFilter().filter(record)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if _is_said(name, value)}
        if trace := self.formatException(record.exc_info) if record.exc_info else record.exc_text:
            line["exception"] = trace
        return json.dumps(line, default=_as_text, ensure_ascii=False)


def add_execution(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: the same names, in events of a running execution only."""
    event.update(_of_here())
    return event


def _of_here() -> dict[str, Any]:
    """What is to be said of the execution that runs this code, if one does."""
    current = current_execution()
    if current is None:
        return {}
    parent = {} if current.parent_id is None else {_FIELDS[3]: str(current.parent_id)}
    return dict(zip(_FIELDS, (str(current.id), current.function, current.attempt), strict=False)) | parent


def _is_said(name: str, value: object) -> bool:
    return name not in _STANDARD and not (name in _FIELDS and value == OUTSIDE)


def _as_text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"a {type(value).__name__}"
