"""Everything deferapp raises on purpose.

One root, `DeferError`; the docstring of a class is its message when none is given. Errors about a caller's
mistake also derive from the built-in that says the same (`TypeError`, `ValueError`), so that code which never
heard of deferapp handles them as usual.
"""

from __future__ import annotations

from deferapp.wording import Worded


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


class InvalidFrequency(Worded, DeferError, ValueError):
    """This is not a cron expression."""


class ScheduleError(DeferError):
    """This cannot be done with the schedule now."""


class DurationError(DeferError, ValueError):
    """This is no duration and no date."""


class OptionError(DeferError, ValueError):
    """This option of a call cannot be."""


class SearchError(DeferError, ValueError):
    """This is not a search for executions."""


class CursorError(DeferError, ValueError):
    """This is not a cursor of a page of executions."""


class ExecutionNotFound(DeferError):
    """There is no such execution in the ledger: it never was there, or retention has removed it."""


class ExecutionNotReschedulable(DeferError):
    """Only an execution that waits to start can be rescheduled."""


class MoveError(DeferError):
    """An execution cannot go from one state to the other."""


class MessageError(DeferError, ValueError):
    """A message does not name executions in a way that this version understands."""


class ExecutionNotCancellable(DeferError):
    """Only an execution that has not started can be cancelled; `cancel(force=True)` aborts one that has."""


class ExecutionAbortingAlreadyInProgress(DeferError):
    """The execution is being aborted already."""


class ExecutionResultNotAvailable(DeferError):
    """The execution has ended without a result: it was cancelled, aborted or discarded."""


class ExecutionResultNotAvailableYet(DeferError):
    """The execution has not ended yet."""


class ExecutionFailed(DeferError):
    """The execution whose result was asked for has failed; the message and the traceback are those of its worker."""

    def __init__(self, message: str | None = None, *, error_type: str = "", traceback: str = "") -> None:
        super().__init__(message)
        self.error_type = error_type
        self.traceback = traceback
        if traceback:
            self.add_note(f"In the worker:\n{traceback}")


class ResultTimeout(DeferError, TimeoutError):
    """The execution has not ended in the time that was given to wait for it. It goes on."""
