"""The time, always aware and in UTC, whatever `USE_TZ` and `TIME_ZONE` say."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from deferapp import forks

_MICROSECOND = timedelta(microseconds=1)
_lock = threading.Lock()
_latest = datetime.min.replace(tzinfo=UTC)


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


forks.in_child(_renew_lock)


def now() -> datetime:
    return datetime.now(UTC)


def ordered_now() -> datetime:
    """Now, but later than at every call before it in this process, so that it keeps the order of enqueueing."""
    global _latest
    with _lock:
        _latest = max(now(), _latest + _MICROSECOND)
        return _latest
