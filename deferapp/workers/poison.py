"""What would end Celery's worker, or stay in the queue for ever: messages that are not what they should be.

They are dropped with a line in the log that says which they are, and quotes nothing of what they say. That concerns
whatever arrives in the project's queues, since a message that nobody understands belongs to nobody. What cannot be told
from a broken connection is left to `reconnect`.
"""

from __future__ import annotations

import bz2
import logging
import lzma
import zlib
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Final

from celery.worker.consumer.gossip import Gossip
from celery.worker.state import task_ready
from kombu import compression
from kombu.exceptions import ContentDisallowed, DecodeError
from kombu.utils.imports import symbol_by_name

logger = logging.getLogger("deferapp.workers")

DATA_ERRORS: Final = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)
"""What code that expects a message raises when it gets something else."""
DROPPED: Final = "A message was dropped for a %s: %s"
MOST_DECOMPRESSED: Final = 64 * 1024 * 1024
"""Bytes that a compressed message may have in any case; beyond, it may have `MOST_TIMES` the bytes that came."""
MOST_TIMES: Final = 20


class NoMessage(ValueError):
    """It cannot be read."""


def proof(consumer_cls: Any) -> type:
    """The consumer class of a worker, made to survive such messages."""
    _guard_transports()
    _guard_decompression()
    base: Any = symbol_by_name(consumer_cls)
    if getattr(base, "survives_poison", False):
        return base  # type: ignore[no-any-return]

    class Consumer(base):  # type: ignore[misc]
        survives_poison = True

        def on_decode_error(self, message: Any, error: Exception) -> None:
            """Celery would log the error, which quotes all of what came, however long."""
            logger.error(DROPPED, type(error).__name__, _description(message))
            message.ack()

        def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
            handle = super().create_task_handler(*args, **kwargs)

            def on_task_received(message: Any) -> Any:
                try:
                    return handle(message)
                except DATA_ERRORS as error:
                    logger.error(DROPPED, type(error).__name__, _description(message))
                    return message.reject_log_error(logger, self.connection_errors)

            return on_task_received

    return Consumer


def guard_requests(worker: Any) -> None:
    """Let what cannot be handed to the pool leave its place there to others: Celery's worker ends by it, or waits."""
    _guard(worker, "_process_task", partial(_drop_request, worker), DATA_ERRORS)


def _drop_request(worker: Any, error: Exception, request: Any) -> None:
    logger.error(DROPPED, type(error).__name__, f"task {_quoted(request.name)}, id {_quoted(request.id)}")
    request.reject()
    task_ready(request)
    if release := getattr(worker, "_quick_release", None):
        release()


def _guard_transports() -> None:
    """Guard what happens before a consumer sees a message: reading what came, and making it a message."""
    from kombu.transport.virtual import base

    _guard(base.Transport, "_deliver", _drop, DATA_ERRORS)
    _guard(Gossip, "on_message", _drop, (*DATA_ERRORS, DecodeError, ContentDisallowed))
    _guard_redis()
    _guard_rabbit()


def _guard_redis() -> None:
    try:
        import redis as driver
        from kombu.transport import redis
    except ImportError:
        return
    _guard(redis, "loads", _refuse, DATA_ERRORS)
    _guard(redis.Channel, "_brpop_read", _drop, (UnicodeDecodeError, NoMessage))
    _guard(redis.QoS, "append", _refuse, (driver.DataError,))


def _guard_rabbit() -> None:
    try:
        from amqp.serialization import GenericContent
    except ImportError:
        return
    _guard(GenericContent, "_load_properties", _take_without_properties, (*DATA_ERRORS, OSError))


def _guard(owner: Any, name: str, otherwise: Callable[..., Any], errors: tuple[type[Exception], ...]) -> None:
    """Let `owner.name` end by `otherwise(error, …)` when it raises one of the errors."""
    function = getattr(owner, name, None)
    if function is None:
        logger.warning("%r has no %s; a message of garbage may end the worker", owner, name)
        return
    if getattr(function, "survives_poison", False):
        return

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except errors as error:
            return otherwise(error, *args)

    guarded.survives_poison = True  # type: ignore[attr-defined]
    setattr(owner, name, guarded)


def _drop(error: Exception, *_args: Any) -> None:
    logger.error("What the broker delivered is no message and was dropped (%s)", type(error).__name__)


def _refuse(error: Exception, *_args: Any) -> None:
    raise NoMessage(type(error).__name__) from None


def _take_without_properties(error: Exception, content: Any, *_args: Any) -> None:
    """So that it gets to the consumer, which can reject it: RabbitMQ would deliver it again and again."""
    logger.error("The headers of a message cannot be read (%s)", type(error).__name__)
    content.properties = {}


def _guard_decompression() -> None:
    """Let a message that says that it is compressed not fill the memory."""
    for kind, stock, encode, make in (
        ("application/x-gzip", zlib.decompress, zlib.compress, zlib.decompressobj),
        ("application/x-bz2", bz2.decompress, bz2.compress, bz2.BZ2Decompressor),
        ("application/x-lzma", lzma.decompress, lzma.compress, lzma.LZMADecompressor),
    ):
        if compression.get_decoder(kind) is stock:
            compression.register(encode, partial(_decompress, make), kind)


def _decompress(make: Callable[[], Any], body: bytes) -> bytes:
    decompressor = make()
    text: bytes = decompressor.decompress(body, max(MOST_DECOMPRESSED, MOST_TIMES * len(body)))
    if not decompressor.eof:
        raise NoMessage("It is too large when it is decompressed, or not complete")
    return text


def _description(message: Any) -> str:
    """What tells a message from others. Never raises."""
    headers = message.headers if isinstance(message.headers, dict) else {}
    body = message.body if isinstance(message.body, bytes | str) else ""
    task, id, content = map(_quoted, (headers.get("task"), headers.get("id"), message.content_type))
    return f"task {task}, id {id}, content type {content}, body of {len(body):,} bytes"


def _quoted(value: object) -> str:
    return ascii(value[:200]) if isinstance(value, str) else f"({type(value).__name__})"
