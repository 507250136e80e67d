"""What a look may find: a value with a stable id, in words that a newcomer can follow.

The ids are listed in `docs/operations.md`, and stay what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """Executions do not run as they should, or will not."""
    WARNING = "warning"
    """They run, but something is not as it should be."""
    NOTE = "note"
    """Nothing is wrong; somebody may want to know."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it should be, and what to do about it."""

    id: str
    """As in `D020`."""
    severity: Severity
    what: str
    """What is the matter: one sentence."""
    why: str
    """What follows from it, and what it may come from."""
    remedy: tuple[str, ...]
    """What to do next, a step each: a command, a setting, or a sentence."""


def _of(severity: Severity, id: str, what: str, *, why: str, remedy: tuple[str, ...]) -> Finding:
    return Finding(id=id, severity=severity, what=what, why=why, remedy=remedy)


error: Final = partial(_of, Severity.ERROR)
warning: Final = partial(_of, Severity.WARNING)
note: Final = partial(_of, Severity.NOTE)
