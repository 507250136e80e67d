"""The ledger's database: whether it answers, has the tables that the code expects, and suits several processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.migrations.loader import MigrationLoader

from deferapp.health.bounded import TooSlow, within
from deferapp.health.finding import Finding, error, note, warning
from deferapp.health.scene import Scene
from deferapp.health.words import some
from deferapp.models import ledger
from deferapp.redact import redact_text

SECONDS: Final = 5.0
"""How long the database may take to answer."""
APPS: Final = ("deferapp", "django_celery_beat")
"""Whose tables the ledger and its schedules are in."""


def answers(_scene: Scene) -> Iterator[Finding]:
    try:
        within(SECONDS, ask)
    except TooSlow:
        said = f"nothing within {SECONDS:g} s: it hangs, or a firewall swallows what is sent to it"
    except Exception as problem:
        said = redact_text(str(problem).strip() or repr(problem))
    else:
        return
    yield error(
        "D001",
        "The database does not answer.",
        why=f"Nothing can be enqueued, begun or recorded until it does; workers wait for it, and lose nothing. "
        f"It said: {said}",
        remedy=(
            f'Look whether the server runs, and is the one of DATABASES["{ledger()}"] in the settings.',
            f"Try by hand: python manage.py dbshell --database {ledger()}",
        ),
    )


@contextmanager
def short_statements() -> Iterator[None]:
    """Let PostgreSQL break off what takes too long on connections that are opened here: looks must cost little."""

    def limit(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = {int(SECONDS * 1000)}")

    connection_created.connect(limit)
    try:
        yield
    finally:
        connection_created.disconnect(limit)


def ask() -> None:
    """One round trip to the ledger's database. Raises what it raises."""
    with connections[ledger()].cursor() as cursor:
        cursor.execute("SELECT 1")


def is_migrated(_scene: Scene) -> Iterator[Finding]:
    loader = MigrationLoader(connections[ledger()])
    known = {key for key in loader.graph.nodes if key[0] in APPS}
    applied = {key for key in loader.applied_migrations if key[0] in APPS}
    replaced = {key for each in loader.replacements.values() for key in each.replaces}
    if missing := sorted(known - applied):
        yield error(
            "D002",
            f"The database is behind on migrations: {some(['.'.join(key) for key in missing])} not applied.",
            why="Tables are not what the code expects: enqueueing and workers fail, or will soon.",
            remedy=(f"python manage.py migrate --database {ledger()}", "Then restart the workers and beat."),
        )
    if unknown := sorted(applied - known - replaced):
        yield warning(
            "D003",
            f"The database is ahead of this code: it has {some(['.'.join(key) for key in unknown])}.",
            why="Older code runs on newer tables, as after going back to an earlier release. It may fail.",
            remedy=(
                "Deploy the newer release again, or take the migrations back with the newer release's code before "
                "going back: python manage.py migrate APP MIGRATION",
            ),
        )


def has_fit_settings(_scene: Scene) -> Iterator[Finding]:
    connection = connections[ledger()]
    if connection.vendor == "sqlite":
        yield from _of_sqlite()
    if not connection.settings_dict["AUTOCOMMIT"]:
        yield error(
            "D005",
            f'DATABASES["{ledger()}"] has AUTOCOMMIT off.',
            why="What is written outside of a transaction is not committed: enqueued executions get lost, and workers "
            "see an old state.",
            remedy=('Take "AUTOCOMMIT": False out of the settings.',),
        )
    if connection.settings_dict["ATOMIC_REQUESTS"]:
        yield note(
            "D006",
            "Each request is one transaction (ATOMIC_REQUESTS).",
            why="What a view enqueues begins after its response has been made, and is gone if the view raises. Waiting "
            "for a result inside of a view raises an error.",
            remedy=("Nothing, if that is meant. A view that waits needs @transaction.non_atomic_requests.",),
        )


def _of_sqlite() -> Iterator[Finding]:
    connection = connections[ledger()]
    with connection.cursor() as cursor:
        journal = cursor.execute("PRAGMA journal_mode").fetchone()[0]
    is_immediate = str(connection.settings_dict["OPTIONS"].get("transaction_mode", "")).upper() != "DEFERRED"
    is_immediate &= "transaction_mode" in connection.settings_dict["OPTIONS"]
    if journal == "memory" or (journal == "wal" and is_immediate):
        return
    yield warning(
        "D004",
        "SQLite has settings for a single process.",
        why='Several processes that write meet "database is locked" now and then: workers try again, requests fail.',
        remedy=(
            f'In DATABASES["{ledger()}"] set "OPTIONS": {{"init_command": "PRAGMA journal_mode=WAL", '
            '"transaction_mode": "IMMEDIATE", "timeout": 30}',
        ),
    )
