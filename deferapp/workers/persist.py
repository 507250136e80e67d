"""Writing to the ledger until it is written, and keeping a process's database connections sound.

An attempt that has ended must be recorded, however long the database is away: until then its process does nothing
else, and what it held is still held. Celery would close the connections around every task; ours stay open, and are
looked at once a message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from asgiref.sync import sync_to_async
from django.db import Error, InterfaceError, InternalError, OperationalError, connections

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")

logger = logging.getLogger("deferapp.workers")

AWAY: Final = (OperationalError, InterfaceError, InternalError)
"""What Django raises when the database cannot be reached, is too busy, or takes no writes, as after a failover.

`InternalError` is how PostgreSQL's read-only transactions and its limits on idle ones arrive.
"""
ANY_ERROR: Final = (Error,)
"""The same, and what only people can mend: a table or a right that is missing. For what must be written in the end."""
PAUSES: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between tries; the last one for ever."""
LOGGED_EVERY: Final = 60
"""Tries between two lines in the log."""


def persist(write: Callable[[], T], errors: tuple[type[Exception], ...] = AWAY) -> T:
    """Call `write` until none of these errors comes of it."""
    tries = 0
    while True:
        try:
            return write()
        except errors:
            pause = _pause(tries)
        tries += 1
        time.sleep(pause)


async def apersist(write: Callable[[], T], errors: tuple[type[Exception], ...] = AWAY) -> T:
    """`persist` from async code, without holding up the thread that all of a loop's database work shares."""
    tries = 0
    while True:
        try:
            return await sync_to_async(write)()
        except errors:
            pause = await sync_to_async(_pause)(tries)
        tries += 1
        await asyncio.sleep(pause)


def _pause(tries: int) -> float:
    if tries % LOGGED_EVERY == 0:
        logger.warning("The ledger cannot be written; trying until it can", exc_info=True)
    drop_connections()
    return PAUSES[min(tries, len(PAUSES) - 1)]


def drop_connections() -> None:
    """Close this thread's connections, also broken ones; they open again when they are used."""
    for connection in connections.all(initialized_only=True):
        try:
            connection.close()
        except Exception:
            connection.connection = None


def check_connections() -> None:
    """Before a message: close those of this thread's connections that no longer work."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.in_atomic_block and not connection.is_usable():
            connection.close()


def tidy_connections(blocks: dict[str, int]) -> None:
    """After a function's body: undo what it left open. `blocks` is what `open_blocks` gave before it."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is None or _undone(connection, blocks.get(connection.alias, 0)):
            continue
        if connection.errors_occurred and not connection.is_usable():
            connection.close()
        elif not connection.get_autocommit():
            connection.rollback()
            connection.set_autocommit(True)
        connection.errors_occurred = False


def open_blocks() -> dict[str, int]:
    """How many transactions and savepoints are open in each of this thread's connections."""
    return {connection.alias: _blocks(connection) for connection in connections.all(initialized_only=True)}


def _undone(connection: BaseDatabaseWrapper, blocks: int) -> bool:
    """Roll back what the body has begun and not ended, which would swallow all that is written after it."""
    if _blocks(connection) > blocks:
        logger.error("A function left a transaction open; it is rolled back")
        connection.in_atomic_block = connection.needs_rollback = False
        connection.savepoint_ids, connection.atomic_blocks = [], []
        connection.rollback()
        connection.set_autocommit(True)
        return True
    return connection.in_atomic_block


def _blocks(connection: BaseDatabaseWrapper) -> int:
    return int(connection.in_atomic_block) + len(connection.savepoint_ids)
