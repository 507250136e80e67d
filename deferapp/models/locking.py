"""Locking several executions in one order, so that no two transactions wait for each other in a circle.

And not waiting for ever: somebody's transaction that has changed an execution may be open for as long as it likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import OperationalError, connections, models, transaction
from django.db.models import QuerySet, Subquery

if TYPE_CHECKING:
    from deferapp.models.execution import Execution

PATIENCE_SECONDS: Final = 1
"""How long `patience` waits for a lock. Our own statements hold theirs for milliseconds."""
_TIMED_OUT: Final = ("55P03", 1205)
"""What PostgreSQL and MariaDB call the error of a statement that has waited for a lock for too long."""


class Locked(Exception):
    """Somebody else has had a lock for too long."""


class _InOrder(Subquery):
    """The rows of a query, locked as an UPDATE locks them, in the order in which PostgreSQL gives them."""

    template = "(%(subquery)s FOR NO KEY UPDATE)"


class _Unlocked(Subquery):
    """The same without the rows that somebody else has locked."""

    template = "(%(subquery)s FOR NO KEY UPDATE SKIP LOCKED)"


def update_in_order(rows: QuerySet[Execution], *, skip_locked: bool = False, **values: Any) -> int:
    """`rows.update(…)`, but PostgreSQL locks the rows in the order of their ids, or leaves out what others have locked.

    By itself it locks them as it comes upon them, which depends on the plan. SQLite locks all at once. Elsewhere it is
    the plain update, and the database may refuse one of two.
    """
    if connections[rows.db].vendor != "postgresql":
        return rows.update(**values)
    locking = _Unlocked if skip_locked else _InOrder
    locked = locking(rows.order_by("pk").values("pk"))
    return rows.model._default_manager.using(rows.db).filter(pk__in=locked).update(**values)


def lock(rows: QuerySet[Execution], *, skip_locked: bool = False) -> list[UUID]:
    """Let nobody else change these rows until the transaction ends. Returns their ids, in their order.

    With `skip_locked`, where the database can do that, those are left out that somebody else has locked.
    """
    return [id for (id,) in lock_and_read(rows, "pk", skip_locked=skip_locked)]


def lock_and_read(rows: QuerySet[Execution], *fields: str, skip_locked: bool = False) -> list[tuple[Any, ...]]:
    """`lock`, and the values of these fields instead of ids alone."""
    features = connections[rows.db].features
    if not features.has_select_for_update:
        rows.update(state=models.F("state"))  # A read alone would not lock SQLite.
    skip_locked = skip_locked and features.has_select_for_update_skip_locked
    return list(rows.select_for_update(skip_locked=skip_locked).order_by("pk").values_list(*fields))


@contextmanager
def patience(using: str) -> Iterator[None]:
    """A transaction that waits for no lock for more than a second. Raises `Locked`; then it has changed nothing.

    That is so with PostgreSQL. Others wait as long as their settings say: MariaDB for 50 s.
    """
    try:
        with transaction.atomic(using=using):
            if connections[using].vendor == "postgresql":
                with connections[using].cursor() as cursor:
                    cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'")
            yield
    except OperationalError as error:
        if _code(error) not in _TIMED_OUT:
            raise
        raise Locked from error


def _code(error: OperationalError) -> object:
    """psycopg's SQLSTATE, psycopg2's, or MySQL's number."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or next(iter(error.args), None)
