"""The connection that messages leave by: short of patience, kept open, thrown away on any error.

Celery's own publishing waits for seconds when the broker is down and for ever when it hangs; an enqueue must not.
A process whose broker failed does not try again for a second, so that a hundred enqueues wait once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from celery import Celery, _state

from deferapp import conf, forks
from deferapp.dispatch.priority import of_message

T = TypeVar("T")

logger = logging.getLogger("deferapp.dispatch")

PAUSE_AFTER_ERROR: Final = 1.0
"""Seconds in which the broker is asked nothing after a failure."""
SILENCE: Final = 30.0
"""Seconds between two lines in the log about a broker that stays away."""
AT_ONCE: Final = 0.02
"""Seconds up to which an error shows that a connection had been closed before, and not that the broker hangs."""
AMQP: Final = ("amqp", "amqps", "pyamqp")
TRANSIENT: Final = 1
"""The delivery mode of a message that the broker need not keep on disk."""
NOT_FOUND: Final = "404"

local_worker = threading.Event()
"""Set while a worker runs inside this process: an in-memory broker reaches nobody else."""


def celery_app() -> Celery:
    """The project's Celery app; one of ours in a project that has none.

    Celery makes one without settings for whoever asks for the current app too early, as django-celery-beat's forms do.
    """
    app = _state._tls.current_app or _state.default_app
    if app is None or (app.main == "default" and not app.set_as_current):
        import deferapp.celery

        return deferapp.celery.app
    return app


class Resting(ConnectionError):
    """The broker is not asked."""


class Refused(ConnectionError):
    """The broker is well, and does not answer this question."""


class Broker:
    """The connections of this process to the broker, shared by its threads: one by which it writes, and reads too."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """In a child that has just been forked: the thread that held the lock is not there to release it."""
        self._lock = threading.RLock()
        self._rests_until = self._silent_until = 0.0
        self._forget()

    def _forget(self) -> None:
        self._connections: dict[str, Any] = {}
        self._producer: Any = None

    def send(self, name: str, args: list[Any], kwargs: dict[str, Any], *, priority: int = 0) -> bool:
        """Publish one message for the Celery task `name`; False if the broker could not be reached in time.

        `priority` as `dispatch.priority` says.
        """
        try:
            self._ask(partial(self._send, name, args, kwargs, priority))
        except Exception:
            return False
        return True

    def waiting(self, name: str) -> int:
        """How many messages wait in the queue of the Celery task `name`. Raises what the broker raises."""
        return self._ask(partial(self._count, name))

    def _ask(self, question: Callable[[], T]) -> T:
        with self._lock:
            if time.monotonic() < self._rests_until:
                raise Resting("The broker failed a moment ago and is left alone for a second")
            try:
                answer = self._answer(question)
            except Refused:
                raise
            except Exception as error:
                self._failed(error)
                raise
            self._silent_until = 0.0
            return answer

    def _answer(self, question: Callable[[], T]) -> T:
        """The broker may have closed what was kept open: then its answer to the same question by a new connection."""
        began, was_open = time.monotonic(), bool(self._connections)
        try:
            return question()
        except Exception as error:
            if isinstance(error, Refused) or not was_open or time.monotonic() - began > AT_ONCE:
                raise
            self._throw_away()
            return question()

    def _send(self, name: str, args: list[Any], kwargs: dict[str, Any], priority: int) -> None:
        app = celery_app()
        options = app.amqp.router.route({}, name, args, kwargs)
        from celery.utils import uuid

        message = app.amqp.as_task_v2(uuid(), name, args, kwargs)
        # Transient: RabbitMQ confirms a persistent message when the disk has it, and the ledger remembers better.
        options = {"delivery_mode": TRANSIENT, **options, "serializer": "json", "retry": False}
        producer = self._producer_of(app)
        if priority:
            options["priority"] = of_message(priority, producer.connection.transport_cls)
        app.amqp.send_task_message(producer, name, message, **options)

    def _count(self, name: str) -> int:
        app = celery_app()
        queue = app.amqp.router.route({}, name)["queue"]
        connection = self._connection(app.conf.broker_read_url or app.conf.broker_url, app.connection_for_read)
        try:
            return int(connection.default_channel.queue_declare(queue.name, passive=True).message_count)
        except connection.channel_errors as error:  # RabbitMQ has closed the channel, and py-amqp opened it again
            if str(getattr(error, "reply_code", "")) == NOT_FOUND:
                return 0
            raise Refused(str(error)) from error

    def _producer_of(self, app: Celery) -> Any:
        connection = self._connection(app.conf.broker_write_url or app.conf.broker_url, app.connection_for_write)
        if self._producer is None or self._producer.connection is not connection:
            self._producer = app.amqp.Producer(connection, auto_declare=False)
        return self._producer

    def _connection(self, url: str, make: Callable[[], Any]) -> Any:
        if url not in self._connections:
            self._connections[url] = _connect(make())
        return self._connections[url]

    def _failed(self, error: Exception) -> None:
        moment = time.monotonic()
        if moment >= self._silent_until:
            logger.warning("The broker could not be reached; executions wait in the ledger: %r", error)
            self._silent_until = moment + SILENCE
        self._rests_until = moment + PAUSE_AFTER_ERROR
        self._throw_away()

    def _throw_away(self) -> None:
        connections = list(self._connections.values())
        self._forget()
        for connection in connections:
            _throw_away(connection)


def _connect(connection: Any) -> Any:
    """Open a connection that waits no longer than `PUBLISH_TIMEOUT`, for anything, and tries each host once."""
    timeout = conf.current().PUBLISH_TIMEOUT
    connection.connect_timeout = timeout
    connection.transport_options = {
        **connection.transport_options,
        "max_retries": 0,
        **_limits(connection, timeout),
    }
    hosts = len(connection.alt or [None])
    connection.ensure_connection(
        max_retries=hosts - 1, interval_start=0, interval_step=0, interval_max=0, timeout=timeout
    )
    _set_patience(connection, timeout)
    return connection


def _limits(connection: Any, timeout: float) -> dict[str, Any]:
    sockets = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    if connection.transport_cls in ("redis", "rediss"):
        return {**sockets, "retry_on_timeout": False}
    if connection.transport_cls == "sentinel":
        return {**sockets, "retry_on_timeout": False, "sentinel_kwargs": {**_of_sentinels(connection), **sockets}}
    # Without an answer, what is written to a connection that the server has left would seem to have arrived.
    return {"confirm_publish": True} if connection.transport_cls in AMQP else {}


def _of_sentinels(connection: Any) -> dict[str, Any]:
    """Let those that are asked where the master is be asked once."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {**(connection.transport_options.get("sentinel_kwargs") or {}), "retry": Retry(NoBackoff(), 0)}


def _set_patience(connection: Any, seconds: float) -> None:
    """Bound each wait for RabbitMQ, of which py-amqp bounds the opening. (One that is closed would be opened here.)"""
    if connection.transport_cls in AMQP and connection.connected:
        connection.connection.sock.settimeout(seconds)


def _throw_away(connection: Any) -> None:
    """Close without a word to a broker that may not answer."""
    try:
        _set_patience(connection, 0)
        connection.collect() if connection.transport_cls in AMQP else connection.release()
    except Exception as error:
        logger.debug("The broken connection could not be closed properly: %r", error)


def reaches_a_worker() -> bool:
    """Whether a message can reach anybody: one in memory only a worker of this process."""
    return not is_in_memory() or local_worker.is_set()


def is_in_memory() -> bool:
    """Whether the broker is in the memory of one process: nobody else reaches its workers, and beat neither."""
    return (celery_app().conf.broker_url or "").startswith("memory:")


broker: Final = Broker()
forks.in_child(broker.renew)
