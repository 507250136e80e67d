"""The log of one attempt while it runs: its first and its last lines, and a count of those in between."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from deferapp.executions.endings.failure import storable
from deferapp.redact import hidden_keys, redact_text

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable
    from uuid import UUID

MOST_LINES: Final = 500
"""Lines kept of an attempt: half of them the first, half of them the last."""
MOST_BYTES: Final = 64 * 1024
"""Bytes kept of an attempt, likewise."""
LONGEST: Final = 8 * 1024
"""Characters kept of a line."""
_BESIDES: Final = 48
"""Bytes that the moment, the level and the punctuation of a line take."""


class Line:
    """One line. It is made clean, and small enough, when it is about to be written: most of a long log never is."""

    __slots__ = ("_is_clean", "_logger", "_moment", "level", "size", "text")

    def __init__(self, moment: float, level: str, logger: str, text: str) -> None:
        self._moment = moment
        self.level = level[:20]
        self._logger = storable(logger)[:200]
        self.text = text
        self._is_clean = False
        self.size = self._size()

    def clean(self, hidden: re.Pattern[str]) -> None:
        """Star out what nobody may read. Once; safe from several threads."""
        if not self._is_clean:
            self.text = redact_text(storable(self.text), hidden)[:LONGEST]
            self.size = self._size()
            self._is_clean = True

    def as_json(self) -> list[str]:
        moment = datetime.fromtimestamp(self._moment, UTC).isoformat(timespec="milliseconds")
        return [moment.replace("+00:00", "Z"), self.level, self._logger, self.text]

    def _size(self) -> int:
        return len(self.text.encode("utf-8", "backslashreplace")) + len(self._logger) + _BESIDES


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A log as it is written."""

    version: int
    lines: list[list[str] | None]
    """Those that are kept; None between the first and the last if there were more."""
    dropped: int


class Log:
    """Filled by the handler, from any thread; written by whoever runs or watches the attempt, one at a time."""

    def __init__(self, execution_id: UUID, attempt: int) -> None:
        self.execution_id = execution_id
        self.attempt = attempt
        self.writing = threading.Lock()
        self.tried_at = time.monotonic()
        """When it was last written, or could not be."""
        # A handler of a signal may log where the lock is held.
        self._lock = threading.RLock()
        self._first: list[Line] = []
        self._last: deque[Line] = deque()
        self._room, self._room_at_end = MOST_BYTES // 2, MOST_BYTES // 2
        self._is_first_full = self._is_closed = False
        self._dropped = self._version = self._written = 0

    @property
    def is_unwritten(self) -> bool:
        return self._version != self._written

    def add(self, line: Line) -> None:
        with self._lock:
            if self._is_closed:
                return
            self._version += 1
            if self._is_first_full or len(self._first) >= MOST_LINES // 2 or line.size > self._room:
                self._is_first_full = True
                self._add_at_end(line)
            else:
                self._first.append(line)
                self._room -= line.size

    def close(self) -> None:
        """Take no more lines: those of threads that a body has left behind."""
        self._is_closed = True

    def snapshot(self) -> Snapshot:
        with self._lock:
            version, dropped = self._version, self._dropped
            first, last = list(self._first), list(self._last)
        hidden = hidden_keys()
        for line in (*first, *last):
            line.clean(hidden)
        # Stars may be longer than what they hide.
        kept, kept_at_end = _fitting(first), _fitting(reversed(last))[::-1]
        dropped += len(first) - len(kept) + len(last) - len(kept_at_end)
        lines: list[list[str] | None] = [line.as_json() for line in kept]
        lines += [None] if dropped else []
        return Snapshot(version=version, lines=lines + [line.as_json() for line in kept_at_end], dropped=dropped)

    def written(self, version: int) -> None:
        self._written = max(version, self._written)

    def _add_at_end(self, line: Line) -> None:
        self._last.append(line)
        self._room_at_end -= line.size
        while self._room_at_end < 0 or len(self._last) > MOST_LINES // 2:
            self._room_at_end += self._last.popleft().size
            self._dropped += 1


def _fitting(lines: Iterable[Line]) -> list[Line]:
    kept, room = [], MOST_BYTES // 2
    for line in lines:
        room -= line.size
        if room < 0:
            break
        kept.append(line)
    return kept
