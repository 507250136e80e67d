"""What deferapp's loggers say is redacted, with the tracebacks that they say it with.

An error's message may quote what a function was called with, and an error that came up while another was being handled
brings that one's traceback along. Honest limit: a handler gets the traceback as text and not as an exception, so what
groups errors by their exceptions, as error trackers do, sees lines of a log.
"""

from __future__ import annotations

import logging
from typing import Final

from deferapp.redact import redact_text

NAMES: Final = (
    "deferapp.alerts",
    "deferapp.dispatch",
    "deferapp.embedded",
    "deferapp.executions",
    "deferapp.housekeeping",
    "deferapp.schedules",
    "deferapp.signals",
    "deferapp.testing",
    "deferapp.workers",
)
"""Every logger of deferapp. (A filter does not reach the loggers below its own.)"""

_formatter = logging.Formatter()


def install() -> None:
    for name in NAMES:
        logging.getLogger(name).addFilter(redacted)


def redacted(record: logging.LogRecord) -> bool:
    """A filter that lets everything through, with stars. Never raises: nobody expects that of a line in the log."""
    try:
        text = redact_text(record.getMessage())
        trace = redact_text(_formatter.formatException(record.exc_info)) if record.exc_info else record.exc_text
    except Exception as error:
        text, trace = f"A line that cannot be redacted, for a {type(error).__name__}", None
    record.msg, record.args, record.exc_info, record.exc_text = text, None, None, trace
    return True
