"""The databases on which statements meet each other, and what each of them can tell about who waits for whom.

Django is configured once in a process, with the database of the run. Tests here point its connection elsewhere: threads
that are started meanwhile connect to where it points, each on its own.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from django.apps import apps
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from deferapp.models import DueMoment
from deferapp.workers.persist import persist

T = TypeVar("T")
ALIAS = "default"
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "postgresql": {"options": "-c synchronous_commit=off"},
    "mariadb": {},
    # What our documentation advises.
    "sqlite": {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
    },
    "sqlite-defaults": {"init_command": "PRAGMA synchronous=OFF"},
}
"""By kind. They wait for no disk: what is tried out here is who sees what, and not what survives a power cut."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """Where the ledger of a test is."""

    kind: str
    settings: dict[str, Any]
    """The entry of DATABASES."""

    @property
    def locks_rows(self) -> bool:
        """Whether two may write at the same time, and so can wait for each other in a circle."""
        return not self.kind.startswith("sqlite")

    @property
    def refuses_some(self) -> bool:
        """Whether a statement may fail because another one is being executed."""
        return self.kind in ("mariadb", "sqlite-defaults")

    def repeated(self, call: Callable[[], T]) -> Callable[[], T]:
        """The call, repeated as workers do if the database refuses it, where it may refuse some."""
        return partial(persist, call) if self.refuses_some else call

    def session_of(self, own: BaseDatabaseWrapper) -> int:
        """What the database calls a connection, which the thread that has it asks for."""
        if self.kind == "postgresql":
            return int(own.connection.info.backend_pid)
        return int(own.connection.thread_id()) if self.kind == "mariadb" else 0

    def is_waiting(self, session: int) -> bool:
        """Whether a connection waits for a lock. SQLite cannot tell whose lock it is that anybody holds."""
        if self.kind == "postgresql":
            return self._ask("SELECT cardinality(pg_blocking_pids(%s)) > 0", session)
        if self.kind == "mariadb":
            time.sleep(0.12)  # MariaDB looks anew only if nobody has asked for 0.1 s.
            waiting = "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
            return self._ask(f"{waiting} AND trx_mysql_thread_id = %s", session)
        return self._is_locked()

    def _ask(self, question: str, value: object) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(question, [value])
            row = cursor.fetchone()
            return row is not None and bool(row[0])

    def _is_locked(self) -> bool:
        with contextlib.closing(sqlite3.connect(self.settings["NAME"], timeout=0, isolation_level=None)) as probe:
            try:
                probe.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False


@contextlib.contextmanager
def pointed_at(database: Database) -> Iterator[None]:
    """Let this thread, and those started meanwhile, find Django's database there."""
    own, before = connections[ALIAS], connections.settings[ALIAS]
    connections.settings[ALIAS] = ConnectionHandler({ALIAS: database.settings}).settings[ALIAS]
    del connections[ALIAS]
    try:
        yield
    finally:
        connections[ALIAS].close()
        connections.settings[ALIAS] = before
        connections[ALIAS] = own


def empty() -> None:
    """Take away what the test before has left."""
    models = [DueMoment, *apps.get_app_config("deferapp").get_models(), PeriodicTask, PeriodicTasks, CrontabSchedule]
    for model in models:
        model._base_manager.all()._raw_delete(ALIAS)
