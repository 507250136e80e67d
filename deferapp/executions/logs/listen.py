"""The handler that hears what the functions log.

It never raises and never writes: what it hears goes to the log of the execution that runs, in memory.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from deferapp.executions.current import current_execution
from deferapp.executions.logs.log import LONGEST, Line, Log

_OWN: Final = ("deferapp", "celery", "kombu", "amqp", "billiard", "multiprocessing")
"""Loggers, and those below them, that speak of how functions are run and not for them."""
_PRINTED: Final = "celery.redirected"
"""Where a worker of Celery sends what is printed."""

_formatter: Final = logging.Formatter()


class Listener(logging.Handler):
    """Hears every logger that reaches it, in all threads."""

    def __init__(self) -> None:
        super().__init__()
        self.of_lone_body: Callable[[], Log | None] = lambda: None
        """The log of what runs, for a thread that does not know what it belongs to."""
        self._within = threading.local()

    def handle(self, record: logging.LogRecord) -> bool:
        """As any handler, and without taking away what Python prints where no logging is set up."""
        printer = logging.lastResort
        if printer is not None and logging.root.handlers == [self] and record.levelno >= printer.level:
            _print_if_unheard(printer, record)
        return bool(super().handle(record))

    def emit(self, record: logging.LogRecord) -> None:
        # Making the text of a line may log lines itself: they would never end.
        if _is_own(record.name) or getattr(self._within, "emit", False):
            return
        self._within.emit = True
        try:
            current = current_execution()
            log = self.of_lone_body() if current is None else current.log
            if log is not None:
                log.add(Line(record.created, record.levelname, record.name, _text(record)))
        finally:
            self._within.emit = False


listener: Final = Listener()


def listen() -> None:
    """See that the handler is heard with; to be called before each attempt, since set-ups of logging remove it.

    Loggers with handlers of their own that do not propagate have it too: those there are when it is put in place.
    """
    root = logging.root
    if listener in root.handlers:
        return
    for logger in list(root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and not logger.propagate and logger.handlers:
            logger.addHandler(listener)
    root.addHandler(listener)


def _print_if_unheard(printer: logging.Handler, record: logging.LogRecord) -> None:
    logger: logging.Logger | None = logging.root.getChild(record.name)
    while logger is not None:
        if any(handler is not listener for handler in logger.handlers):
            return
        logger = logger.parent if logger.propagate else None
    printer.handle(record)


def _is_own(name: str) -> bool:
    return name.partition(".")[0] in _OWN and name != _PRINTED


def _text(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()[:LONGEST]
    except Exception as error:
        text = f"A line that cannot be read, for a {type(error).__name__}: {record.msg!s:.500}"
    try:
        trace = _formatter.formatException(record.exc_info) if record.exc_info else record.exc_text
    except Exception as error:
        trace = f"A traceback that cannot be read, for a {type(error).__name__}"
    return f"{text}\n{_end_of(trace)}" if trace else text


def _end_of(trace: str) -> str:
    """The end of a traceback, where the error is, in whole lines: a value without its key is not redacted."""
    return trace if len(trace) <= LONGEST // 2 else trace[-LONGEST // 2 :].partition("\n")[2]
