"""How a worker receives messages for our tasks: taken apart, and put together anew from what `dispatch.message` writes.

Whoever can write into the broker can write anything. Celery would obey what else a message says: a time limit kills the
process in the middle of an execution, an ETA keeps the message in the worker's memory, callbacks send further messages,
and a pickle runs code if the project accepts pickles for other tasks. Of all that nothing comes in.

Honest limits: messages for the project's other tasks are its own affair, as are Celery's remote control and what a
transport does before a message gets here, such as decompressing it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from celery.worker.strategy import default

from deferapp.dispatch import message as messages
from deferapp.exceptions import MessageError
from deferapp.schedules import TICK

logger = logging.getLogger("deferapp.workers")

JSON: Final = "application/json"
MOST_BYTES: Final = 1024 * 1024
"""Of a message's body; the largest of ours has a third of it."""
LONGEST_ID: Final = 255

_KEPT: Final = ("lang", "root_id", "parent_id", "origin", "traceparent", "tracestate", "baggage")
"""Headers that tell where a message comes from, which monitors and tracers read."""


def strategy(task: Any, app: Any, consumer: Any) -> Callable[..., Any]:
    """What Celery asks of a task's `Strategy`: the handler of its messages."""
    handle = default(task, app, consumer)

    def receive(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any) -> Any:
        try:
            request = rebuilt(task.name, message, body)
        except MessageError as error:
            logger.error("A message for %s was dropped; its executions stay in the ledger: %s", task.name, error)
            return reject(logger, consumer.connection_errors, False)
        return handle(message, request, ack, reject, callbacks)

    return receive


def rebuilt(task: str, message: Any, body: Any = None) -> dict[str, Any]:
    """What a message asks for, as Celery's first protocol has it: read already, and a dict.

    `body` is set for messages that came in that protocol, which we do not send. Raises `MessageError` for what is none
    of ours.
    """
    if body is not None or message.content_type != JSON:
        raise MessageError(f"it is no JSON, or of an old protocol ({message.content_type!r:.50})")
    if len(message.body) > MOST_BYTES:
        raise MessageError(f"it has {len(message.body):,} bytes")
    args, kwargs = _call(message)
    if task == TICK:
        args, kwargs = [], {}
    else:
        args, kwargs = messages.build(messages.parse(*args, **kwargs))
    kept = {name: value for name in _KEPT if isinstance(value := message.headers.get(name), str)}
    return {**kept, "task": task, "id": _id(message), "args": args, "kwargs": kwargs}


def _call(message: Any) -> tuple[list[Any], dict[str, Any]]:
    message.accept = {JSON}  # Whatever the project accepts for its other tasks.
    try:
        args, kwargs, embedded = message.payload
    except Exception as error:
        raise MessageError(f"it cannot be read ({type(error).__name__})") from None
    if not (isinstance(args, list) and isinstance(kwargs, dict) and isinstance(embedded, dict | None)):
        raise MessageError("it is no call of a task")
    return args, kwargs


def _id(message: Any) -> str:
    """Printable, since it stands in the log."""
    id = message.headers.get("id")
    if not isinstance(id, str) or not 1 <= len(id) <= LONGEST_ID or not (id.isascii() and id.isprintable()):
        raise MessageError("it has no id")
    return id
