"""How the command line writes times, states and what came from elsewhere. In English, as Django's own commands do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from deferapp.executions.states import State
from deferapp.redact import redact_text

NOTHING: Final = "-"
SIGNS: Final[dict[str, str]] = {
    State.CREATED: "○",
    State.STARTED: "⟳",
    State.SUCCEEDED: "✓",
    State.FAILED: "✕",
    State.CANCELLED: "⊘",
    State.ABORTING: "◐",
    State.ABORTED: "■",
    State.DISCARDED: "∅",
}
"""As on the pages."""


def span(length: timedelta | None) -> str:
    """A length of time in its two largest units: 230 ms, 1.9 s, 2 min 5 s, 3 h 4 min, 5 d 6 h."""
    if length is None:
        return NOTHING
    seconds = max(length.total_seconds(), 0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = int(seconds)
    if whole < 3_600:
        return _two(whole // 60, "min", whole % 60, "s")
    if whole < 86_400:
        return _two(whole // 3_600, "h", whole % 3_600 // 60, "min")
    return _two(whole // 86_400, "d", whole % 86_400 // 3_600, "h")


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large} {unit} {small} {small_unit}" if small else f"{large} {unit}"


def moment(value: datetime | None) -> str:
    """In the project's time zone, to the second."""
    return NOTHING if value is None else f"{local(value):%Y-%m-%d %H:%M:%S}"


def local(value: datetime) -> datetime:
    return value.astimezone(timezone.get_default_timezone())


def visible(text: str) -> str:
    """With escapes for what a terminal would obey, or nobody would see."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode() for each in text
    )


def clean(text: str) -> str:
    """`visible`, and redacted: for what may quote arguments."""
    return visible(redact_text(text))


def first_line(text: str, most: int = 200) -> str:
    line = clean(text.strip().partition("\n")[0])
    return line if len(line) <= most else f"{line[: most - 1]}…"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
