"""Acknowledging a message by a connection to the broker that is gone.

What was taken from one connection may be acknowledged when Celery has closed it and opened another. With Redis, kombu
then trips over what is left of the channel, by an error that Celery's worker ends by. It is made the error of a lost
connection, which Celery logs. The broker delivers the message again, as after every lost connection.
"""

from __future__ import annotations

import logging
from functools import wraps
from typing import Any, Final

logger = logging.getLogger("deferapp.workers")

ANSWERS: Final = ("basic_ack", "basic_reject")


def forgive_late_ones() -> None:
    """See to the channels of all transports that kombu makes by itself: Redis's and those in memory or files."""
    from kombu.transport.virtual.base import Channel

    for name in ANSWERS:
        _guard(Channel, name)


def _guard(owner: Any, name: str) -> None:
    answer = getattr(owner, name, None)
    if answer is None:
        logger.warning("kombu has no %s.%s; a lost connection to the broker may end the worker", owner.__name__, name)
        return
    if getattr(answer, "forgives_late_ones", False):
        return

    @wraps(answer)
    def guarded(channel: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return answer(channel, *args, **kwargs)
        except AttributeError as error:
            if not _is_gone(channel):
                raise
            raise ConnectionError("The connection to the broker that brought this message is gone") from error

    guarded.forgives_late_ones = True  # type: ignore[attr-defined]
    setattr(owner, name, guarded)


def _is_gone(channel: Any) -> bool:
    return channel.closed or channel.connection is None or channel.connection.client is None
