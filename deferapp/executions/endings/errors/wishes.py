"""What a function raises to say itself what becomes of its execution."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from deferapp.durations import Duration, as_duration
from deferapp.exceptions import DeferError, DurationError

LONGEST: Final = timedelta(days=3650)


class GiveUp(DeferError):
    """No other attempt can help: the execution ends as failed, whatever its policy allows."""


class Retry(DeferError):
    """The function asked for another attempt."""

    def __init__(self, reason: str | None = None, *, after: Duration | None = None) -> None:
        """`after`: a timedelta, seconds, or words as in "10m"; without it the wait is the policy's.

        The attempt counts as any that failed: when the policy allows no other, the execution ends as failed. Raises
        `DurationError` for what is no duration, or is longer than ten years.
        """
        self.after = None if after is None else as_duration(after)
        if self.after is not None and self.after > LONGEST:
            raise DurationError(f"Retry after {after!r} is more than ten years")
        super().__init__(reason)
