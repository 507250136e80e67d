"""Why an attempt failed, as text that any database can hold."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from types import TracebackType
from typing import Final

from deferapp.executions.endings import place
from deferapp.executions.states import ErrorCode

MESSAGE_LIMIT: Final = 10_000
"""Characters kept of an error's message."""
TRACEBACK_LIMIT: Final = 50_000
"""Characters kept of a traceback, the last ones, where the error is."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What is recorded of a failed attempt, and whether another can help."""

    code: ErrorCode
    type: str = ""
    message: str = ""
    traceback: str = ""
    place: str = ""
    """Where in the project it comes from, as `place.of` gives it; "" if no exception tells."""
    is_permanent: bool = False
    retry_after: timedelta | None = None
    """How long to wait before the next attempt; None leaves it to the policy."""
    is_postponed: bool = False
    """A server has named `retry_after`: it is busy, which is not the function's failure."""

    @property
    def summary(self) -> str:
        """One line: type and first line of the message."""
        first_line = self.message.strip().partition("\n")[0]
        return f"{self.type}: {first_line}" if self.type else first_line

    def key(self, function: str) -> str:
        """16 hex digits, the same for all failures that are one to a person: of one function, one type, one place.

        The same in every process and release, as long as function and place keep their names.
        """
        return sha256("\0".join((function, self.type or self.code, self.place)).encode()).hexdigest()[:16]


STUCK: Final = Failure(
    code=ErrorCode.TIMEOUT, message="The attempt took too long and could not be stopped; its process was killed."
)
LOST: Final = Failure(code=ErrorCode.LOST, message="The worker died while it ran this attempt.")
OUT_OF_MEMORY: Final = Failure(code=ErrorCode.OUT_OF_MEMORY, message="The worker was killed for want of memory.")
ABORTED: Final = Failure(code=ErrorCode.INTERNAL, message="The execution was aborted.", is_permanent=True)


def of(
    error: BaseException,
    *,
    is_permanent: bool = False,
    retry_after: timedelta | None = None,
    is_postponed: bool = False,
) -> Failure:
    """The failure that an exception raised by a function's body is."""
    frames = _without_own_frames(error)
    lines = traceback.format_exception(type(error), error, frames)
    return Failure(
        code=ErrorCode.OUT_OF_MEMORY if isinstance(error, MemoryError) else ErrorCode.FUNCTION_FAILED,
        type=_type_name(error)[-200:],
        message=storable(_message(error))[:MESSAGE_LIMIT],
        traceback=storable("".join(lines))[-TRACEBACK_LIMIT:],
        place=storable(place.of(frames))[-place.LIMIT :],
        is_permanent=is_permanent,
        retry_after=retry_after,
        is_postponed=is_postponed,
    )


def internal(error: Exception) -> Failure:
    """The failure of an attempt whose end could not be recorded."""
    return replace(of(error), code=ErrorCode.INTERNAL)


def timeout(limit: timedelta) -> Failure:
    """The failure of an attempt that took longer than its function may."""
    return Failure(code=ErrorCode.TIMEOUT, message=f"The attempt took longer than {limit}.")


def storable(text: str) -> str:
    """Without what PostgreSQL or UTF-8 cannot hold: NUL characters and lone surrogates, shown as escapes instead."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(its message could not be read)"


def _without_own_frames(error: BaseException) -> TracebackType | None:
    """The traceback from the function's own first frame on."""
    frames = error.__traceback__
    while frames and frames.tb_next and frames.tb_frame.f_globals.get("__name__", "").startswith("deferapp."):
        frames = frames.tb_next
    return frames
