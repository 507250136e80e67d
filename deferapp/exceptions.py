"""Everything deferapp raises on purpose.

One root, `DeferError`; the docstring of a class is its message when none is given. Errors about a caller's
mistake also derive from the built-in that says the same (`TypeError`, `ValueError`), so that code which never
heard of deferapp handles them as usual.
"""

from __future__ import annotations


class DeferError(Exception):
    """Something about a background function went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class DeclarationError(DeferError, TypeError):
    """This cannot be made a background function."""


class ScheduledFunctionError(DeferError, TypeError):
    """A scheduled function runs when it is due and is not called. Use `.run_now()` to run it at once."""


class ArgumentError(DeferError, TypeError):
    """This value cannot travel to a background function."""


class ArgumentGone(DeferError):
    """An argument refers to a row that has been deleted since the call."""


class ResultError(DeferError, TypeError):
    """A background function returned a value that cannot be stored."""


class ValueCorrupt(DeferError, ValueError):
    """A stored argument or result cannot be read."""


class InvalidFrequency(DeferError, ValueError):
    """This is not a cron expression."""


class MoveError(DeferError):
    """An execution cannot go from one state to the other."""


class MessageError(DeferError, ValueError):
    """A message does not name executions in a way that this version understands."""
