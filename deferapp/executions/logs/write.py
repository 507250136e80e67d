"""Writing the logs of attempts: never in the way of the attempts themselves.

Whoever settles an attempt goes on at once if its log cannot be written: it is tried again if the settling is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, transaction

from deferapp.executions.logs.log import Log, Snapshot
from deferapp.models import AttemptLog, ledger

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("deferapp.workers")

INTERVAL: Final = 3.0
"""Seconds after which the log of an attempt that goes on is written again, if there is more of it."""
PATIENCE: Final = 2.0
"""Seconds to wait for another thread that writes the same log."""
SILENCE: Final = 60.0
"""Seconds between two lines in the worker's own log about logs that cannot be written."""
_EXECUTION: Final[Any] = AttemptLog._meta.get_field("execution")
_LINES: Final[Any] = AttemptLog._meta.get_field("lines")
_ON_CONFLICT: Final = {
    "": "ON CONFLICT (execution_id, number) DO UPDATE SET lines = EXCLUDED.lines, dropped = EXCLUDED.dropped",
    "mysql": "ON DUPLICATE KEY UPDATE `lines` = VALUES(`lines`), dropped = VALUES(dropped)",
}
"""What becomes of a log that has been written before, by the database's vendor."""

_told_at = float("-inf")


def write(logs: Iterable[Log]) -> None:
    """Write what is new of these logs, in one statement; nothing if nothing is new. Never raises an `Exception`."""
    unwritten = [log for log in logs if log.is_unwritten]
    if not unwritten:
        return
    try:
        with _held(unwritten) as held:
            snapshots = [(log, log.snapshot()) for log in held]
            _upsert(snapshots)
            for log, snapshot in snapshots:
                log.written(snapshot.version)
    except Exception as error:
        _tell(error)


def write_of_the_long(logs: Iterable[Log]) -> None:
    """Write those that have not been tried for a while, so that a lost attempt keeps what it had said."""
    moment = time.monotonic()
    write([log for log in logs if log.is_unwritten and moment - log.tried_at > INTERVAL])


@contextmanager
def _held(logs: Iterable[Log]) -> Iterator[list[Log]]:
    """Those that no other thread writes, or not for long: what is older must not be written after what is newer."""
    with ExitStack() as held:
        yield [log for log in logs if _hold(log, held)]


def _hold(log: Log, held: ExitStack) -> bool:
    log.tried_at = time.monotonic()
    if not log.writing.acquire(timeout=PATIENCE):
        return False
    held.callback(log.writing.release)
    return True


def _upsert(snapshots: Sequence[tuple[Log, Snapshot]]) -> None:
    """By a statement of our own: `bulk_create` would make a transaction of it, three round trips instead of one."""
    connection = connections[ledger()]
    values: list[Any] = []
    for log, each in snapshots:
        lines = _LINES.get_db_prep_save(each.lines, connection)
        values += [_EXECUTION.get_db_prep_save(log.execution_id, connection), log.attempt, lines, each.dropped]
    with _savepoint(connection.alias), connection.cursor() as cursor:
        cursor.execute(_statement(connection, len(snapshots)), values)


def _statement(connection: BaseDatabaseWrapper, rows: int) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(map(quote, ("execution_id", "number", "lines", "dropped")))
    values = ", ".join(["(%s, %s, %s, %s)"] * rows)
    on_conflict = _ON_CONFLICT.get(connection.vendor, _ON_CONFLICT[""])
    # The settling that follows is waited for until it is on the disk, and then this is too.
    is_hasty = connection.vendor == "postgresql" and not connection.in_atomic_block
    returning = " RETURNING set_config('synchronous_commit', 'off', true)" if is_hasty else ""
    return f"INSERT INTO {quote(AttemptLog._meta.db_table)} ({columns}) VALUES {values} {on_conflict}{returning}"


@contextmanager
def _savepoint(using: str) -> Iterator[None]:
    """Inside a transaction of somebody, what fails here must not fail that."""
    if not connections[using].in_atomic_block:
        yield
        return
    with transaction.atomic(using=using):
        yield


def _tell(error: Exception) -> None:
    global _told_at
    if time.monotonic() - _told_at > SILENCE:
        _told_at = time.monotonic()
        logger.warning("The logs of attempts cannot be written", exc_info=error)
