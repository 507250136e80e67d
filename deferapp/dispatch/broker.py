"""The connection that messages leave by: short of patience, kept open, thrown away on any error.

Celery's own publishing waits for seconds when the broker is down and for ever when it hangs; an enqueue must not.
A process whose broker failed does not try again for a second, so that a hundred enqueues wait once.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Final

from celery import Celery, _state

from deferapp import conf, forks

logger = logging.getLogger("deferapp.dispatch")

PAUSE_AFTER_ERROR: Final = 1.0
"""Seconds in which nothing is published after a failure."""

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


class Broker:
    """One producer of this process, shared by its threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._forget()

    def renew(self) -> None:
        """In a child that has just been forked: the thread that held the lock is not there to release it."""
        self._lock = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self._url: str | None = None
        self._connection: Any = None
        self._producer: Any = None
        self._retry_at = 0.0

    def send(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> bool:
        """Publish one message for the Celery task `name`; False if the broker could not be reached in time."""
        with self._lock:
            if time.monotonic() < self._retry_at:
                return False
            try:
                self._send(name, args, kwargs)
            except Exception as error:
                self._failed(error)
                return False
            return True

    def waiting(self, name: str) -> int:
        """How many messages wait in the queue of the Celery task `name`. Raises what the broker raises."""
        app = celery_app()
        queue = app.amqp.router.route({}, name)["queue"]
        with _connect(app.connection_for_read()) as connection:
            try:
                return int(connection.default_channel.queue_declare(queue.name, passive=True).message_count)
            except connection.channel_errors:
                return 0

    def _send(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        app = celery_app()
        producer = self._producer_of(app)
        options = app.amqp.router.route({}, name, args, kwargs)
        from celery.utils import uuid

        message = app.amqp.as_task_v2(uuid(), name, args, kwargs)
        app.amqp.send_task_message(producer, name, message, **{**options, "serializer": "json", "retry": False})

    def _producer_of(self, app: Celery) -> Any:
        url = app.conf.broker_write_url or app.conf.broker_url
        if self._producer is None or self._url != url:
            self._connection = _connect(app.connection_for_write())
            self._producer = app.amqp.Producer(self._connection, auto_declare=False)
            self._url = url
        return self._producer

    def _failed(self, error: Exception) -> None:
        logger.warning("The broker could not be reached; executions wait in the ledger: %r", error)
        connection = self._connection
        self._forget()
        self._retry_at = time.monotonic() + PAUSE_AFTER_ERROR
        if connection is not None:
            _throw_away(connection)


def _connect(connection: Any) -> Any:
    timeout = conf.current().PUBLISH_TIMEOUT
    connection.connect_timeout = timeout
    if connection.transport_cls in ("redis", "rediss"):
        connection.transport_options = {
            **connection.transport_options,
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            "retry_on_timeout": False,
        }
    connection.ensure_connection(max_retries=0, interval_start=0, interval_step=0, timeout=timeout)
    return connection


def _throw_away(connection: Any) -> None:
    """Close without a word to a broker that may not answer."""
    try:
        connection.collect(socket_timeout=PAUSE_AFTER_ERROR / 10)
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
