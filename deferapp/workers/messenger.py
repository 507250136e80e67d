"""Sending alerts from the worker that keeps house, in a thread of its own: no channel holds up any housekeeping."""

from __future__ import annotations

import logging
import threading
from typing import Final

from deferapp.alerts import send
from deferapp.workers import persist

logger = logging.getLogger("deferapp.alerts")

JOIN_SECONDS: Final = 5.0


class Messenger:
    """A thread at a time, which ends when it has sent at most one message to each channel."""

    def __init__(self) -> None:
        self._sender = send.Sender()
        self._thread: threading.Thread | None = None

    def go(self) -> None:
        """Send what is due, unless the last time is not over yet."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._thread = threading.Thread(target=self._send, name="deferapp-messenger", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for the message that is being sent, but not for ever."""
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)

    def _send(self) -> None:
        try:
            send.forget_the_unknown()
            self._sender.send_due(persist.persist)
        except persist.AWAY as error:
            logger.warning("Alerts wait for the database: %r", error)
        except Exception:
            logger.exception("Alerts could not be sent")
        finally:
            persist.drop_connections()
