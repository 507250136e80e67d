"""The time, always aware and in UTC, whatever `USE_TZ` and `TIME_ZONE` say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from deferapp import forks

_MICROSECOND = timedelta(microseconds=1)
_lock = threading.Lock()
_latest = _EARLIEST = datetime.min.replace(tzinfo=UTC)
_shift = timedelta()


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


forks.in_child(_renew_lock)


def now() -> datetime:
    return datetime.now(UTC) + _shift


def ordered_now() -> datetime:
    """Now, but later than at every call before it in this process, so that it keeps the order of enqueueing."""
    global _latest
    with _lock:
        _latest = max(now(), _latest + _MICROSECOND)
        return _latest


@contextmanager
def travelling() -> Iterator[Callable[[datetime], None]]:
    """For tests: gives what moves this clock to another time, from which it goes on, until the block ends."""
    global _shift, _latest
    before = _shift, _latest

    def travel(moment: datetime) -> None:
        global _shift, _latest
        _shift, _latest = moment - datetime.now(UTC), _EARLIEST

    try:
        yield travel
    finally:
        if _shift != before[0]:
            _shift, _latest = before
