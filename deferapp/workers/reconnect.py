"""What a worker does when its connection to the broker breaks: it lives on, and is back soon after the broker is.

Celery's own worker ends when Redis answers with an error (no memory left, a replica that only reads, a disk that is
full), ends when the lost connection cannot be closed properly, and waits up to 30 s between two tries to connect.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from kombu.utils.imports import symbol_by_name

logger = logging.getLogger("deferapp.workers")

WAIT: Final = 1.0
"""Seconds between two tries."""
LONGEST_SILENCE: Final = 30.0
"""Seconds between two lines in the log about them."""
TRIES: Final = 30
"""For each of `broker_connection_max_retries`, which Celery would make up to 30 s after the one before."""
STOCK_RETRIES: Final = 100
"""What Celery takes where a project does not say, some 45 minutes; then we try for ever."""


def soon(consumer_cls: Any) -> type:
    """The consumer class of a worker, made to survive its broker."""
    base: Any = symbol_by_name(consumer_cls)
    if getattr(base, "reconnects_soon", False):
        return base  # type: ignore[no-any-return]

    class Consumer(base):  # type: ignore[misc]
        reconnects_soon = True
        was_ready = False

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            # Begin anew also after what Redis answers with, and RabbitMQ closes a channel for.
            self.app.conf.broker_channel_error_retry = True

        def on_ready(self) -> None:
            self.was_ready = True
            super().on_ready()

        def on_connection_error_after_connected(self, error: Exception) -> None:
            """Celery closes the lost connection here, and ends if that fails, as it can: Redis is asked once more."""
            if not self.was_ready and not isinstance(error, self.conninfo.connection_errors):
                raise error  # what the project declares is not what the broker has: nobody waits for it to change
            try:
                super().on_connection_error_after_connected(error)
            except Exception as second:
                logger.warning("The lost connection to the broker could not be closed properly: %r", second)

        def ensure_connected(self, connection: Any) -> Any:
            connection.ensure_connection = _often(connection.ensure_connection)
            return super().ensure_connected(connection)

    return Consumer


def _often(ensure: Callable[..., Any]) -> Callable[..., Any]:
    """Kombu's `ensure_connection`, for at least as long as it would try, and with as many lines in the log."""

    def ensure_connection(errback: Callable[[Exception, float], Any], max_retries: int | None, **options: Any) -> Any:
        most = None if max_retries in (None, STOCK_RETRIES) else max_retries * TRIES
        intervals = {"interval_start": WAIT, "interval_step": 0, "interval_max": WAIT}
        return ensure(_Seldom(errback), most, **intervals, **options)

    return ensure_connection


class _Seldom:
    """Says the first error at once, and the next ones after longer and longer silences, as Celery would."""

    def __init__(self, say: Callable[[Exception, float], Any]) -> None:
        self._say = say
        self._silence = 0.0
        self._said_at = float("-inf")

    def __call__(self, error: Exception, interval: float) -> None:
        if time.monotonic() - self._said_at >= self._silence:
            self._silence = min(self._silence + 2.0, LONGEST_SILENCE)
            self._said_at = time.monotonic()
            self._say(error, interval)
