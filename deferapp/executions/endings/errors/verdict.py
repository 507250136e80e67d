"""What is thought of an error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether another attempt can help, and when."""

    is_permanent: bool = False
    retry_after: timedelta | None = None
    """How long to wait before the next attempt; None leaves it to the policy."""
    is_postponed: bool = False
    """A server has named `retry_after`: it is busy, which is not the function's failure."""


PERMANENT: Final = Verdict(is_permanent=True)
TRANSIENT: Final = Verdict()
