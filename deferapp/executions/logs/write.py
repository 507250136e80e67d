"""Writing the logs of attempts: never in the way of the attempts themselves.

Whoever settles an attempt goes on at once if its log cannot be written: it is tried again if the settling is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from django.db import connections, transaction

from deferapp.executions.logs.log import Log, Snapshot
from deferapp.models import AttemptLog, ledger

logger = logging.getLogger("deferapp.workers")

INTERVAL: Final = 3.0
"""Seconds after which the log of an attempt that goes on is written again, if there is more of it."""
PATIENCE: Final = 2.0
"""Seconds to wait for another thread that writes the same log."""
SILENCE: Final = 60.0
"""Seconds between two lines in the worker's own log about logs that cannot be written."""

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


def _upsert(snapshots: list[tuple[Log, Snapshot]]) -> None:
    using = ledger()
    rows = [
        AttemptLog(execution_id=log.execution_id, number=log.attempt, lines=each.lines, dropped=each.dropped)
        for log, each in snapshots
    ]
    has_target = connections[using].features.supports_update_conflicts_with_target
    with _savepoint(using):
        AttemptLog.objects.using(using).bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["execution", "number"] if has_target else None,
            update_fields=["lines", "dropped"],
        )


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
