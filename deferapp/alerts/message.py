"""A message about an alert, for any channel: what it says, not how a channel writes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Link:
    """Where one can look."""

    text: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is told. All texts are redacted, plain, and of any length: a channel cuts and escapes them as it must."""

    kind: str
    """A `DeliveryKind`, or "test"."""
    header: str
    """What happened, in a line."""
    fields: tuple[tuple[str, str | datetime], ...] = ()
    """Names and values, the most important first."""
    summary: str = ""
    """The error's first line, or a sentence or two on what is wrong."""
    frames: str = ""
    """The end of the traceback."""
    lines: tuple[str, ...] = ()
    """Those concerned, or the incidents of a digest."""
    links: tuple[Link, ...] = ()
    delivery_id: int = 0
    """The same when a message is sent once more because nobody knows whether it has arrived; 0 for a test."""

    def as_text(self) -> str:
        """All of it as plain text, as mails and terminals show it."""
        parts = [self.header]
        parts += [f"{name}: {_plain(value)}" for name, value in self.fields]
        for block in (self.summary, "\n".join(self.lines), self.frames):
            parts += ["", block] if block else []
        parts += ["", *(f"{link.text}: {link.url}" for link in self.links)] if self.links else []
        return "\n".join(parts)


def _plain(value: str | datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else value
