"""A worker that gets work for a function that it does not have: one of an older release, beside those of a newer one.

It leaves the work to them. Housekeeping publishes again what nobody has begun, of functions that it knows; so such a
worker lets another keep house, if there is another. Limit: where no worker knows the function, its work waits.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any, Final

from deferapp.dispatch import message as messages
from deferapp.exceptions import MessageError

logger = logging.getLogger("deferapp.workers")

GIVES_WAY: Final = 3.0
"""Seconds for which it does not keep house, so that another can begin to; they look once a second."""
EVERY: Final = 20.0
"""Seconds from one such time to the next: where all workers are behind, one of them has to keep house in between."""

_since: float | None = None


def on_unknown(message: Any, name: str, **_kwargs: Any) -> None:
    """Celery's signal `task_unknown`, sent when it has dropped a message, of whoever's tasks."""
    if _is_ours(message):
        logger.warning("%s is not in this code, and is left to a worker that has it", name)
        give_way()


def give_way() -> None:
    """From now on, now and then."""
    global _since
    _since = monotonic() if _since is None else _since


def gives_way() -> bool:
    return _since is not None and (monotonic() - _since) % EVERY < GIVES_WAY


def _is_ours(message: Any) -> bool:
    try:
        args, kwargs, _ = message.payload
        messages.parse(*args, **kwargs)
    except (MessageError, TypeError, ValueError):
        return False
    return True
