"""What a channel answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Taken, if there is no error."""

    error: str = ""
    """What went wrong, in a line without secrets."""
    retry_after: timedelta | None = None
    """How long the channel wants to be left alone."""
    needs_a_person: bool = False
    """Trying again soon cannot help: a wrong token, a channel that is gone."""
    reference: str = ""
    """By which the channel knows the message."""
