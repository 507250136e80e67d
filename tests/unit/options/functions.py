"""Functions of these tests, declared anew by each that needs one."""

from __future__ import annotations

from typing import Any

from deferapp import defer
from deferapp.functions.function import BackgroundFunction


def note(text: str, times: int = 1) -> str:
    return text * times


def serve(user: Any, payload: Any = None) -> None:
    """Do nothing for a user."""


def sweep() -> None:
    """Do nothing, on schedule."""


def declare(plain: Any = note, **config: Any) -> BackgroundFunction[..., Any]:
    return defer(plain, **config)
