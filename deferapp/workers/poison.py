"""What would end Celery's worker: messages that are not what they should be, and a connection lost at a bad moment.

Bad messages are dropped with a line in the log. They concern whatever arrives in the project's queues, since a message
that nobody understands belongs to nobody. What cannot be told from a broken connection is left to Celery.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from json import JSONDecodeError
from typing import Any, Final

from kombu.utils.imports import symbol_by_name

logger = logging.getLogger("deferapp.workers")

DATA_ERRORS: Final = (KeyError, IndexError, TypeError, AttributeError, ValueError)
"""What code that expects a message raises when it gets something else."""


def proof(consumer_cls: Any) -> type:
    """The consumer class of a worker, made to survive such messages."""
    _guard_virtual_transports()
    base: Any = symbol_by_name(consumer_cls)
    if getattr(base, "survives_poison", False):
        return base  # type: ignore[no-any-return]

    class Consumer(base):  # type: ignore[misc]
        survives_poison = True

        def on_connection_error_after_connected(self, error: Exception) -> None:
            """Celery closes the lost connection here, and ends if that fails, as it can: Redis is asked once more."""
            try:
                super().on_connection_error_after_connected(error)
            except Exception as second:
                logger.warning("The lost connection to the broker could not be closed properly: %r", second)

        def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
            handle = super().create_task_handler(*args, **kwargs)

            def on_task_received(message: Any) -> Any:
                try:
                    return handle(message)
                except DATA_ERRORS as error:
                    logger.error("A message was dropped: %r in %s", error, _excerpt(message))
                    return message.reject_log_error(logger, self.connection_errors)

            return on_task_received

    return Consumer


def _guard_virtual_transports() -> None:
    """Guard what happens before a consumer sees a message of Redis or memory: reading JSON, and making it a message."""
    from kombu.transport.virtual import base

    _guard(base.Transport, "_deliver", DATA_ERRORS)
    try:
        from kombu.transport import redis
    except ImportError:
        return
    _guard(redis.Channel, "_brpop_read", (UnicodeDecodeError, JSONDecodeError))


def _guard(owner: type, name: str, errors: tuple[type[Exception], ...]) -> None:
    method = getattr(owner, name, None)
    if method is None:
        logger.warning("kombu has no %s.%s; a message that is not JSON may end the worker", owner.__name__, name)
        return
    if getattr(method, "survives_poison", False):
        return

    @wraps(method)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except errors as error:
            logger.error("What a broker delivered is no message and was dropped: %r", error)
            return None

    guarded.survives_poison = True  # type: ignore[attr-defined]
    setattr(owner, name, guarded)


def _excerpt(message: Any) -> str:
    return ascii(getattr(message, "body", message))[:200]
