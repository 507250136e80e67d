"""Locking several executions in one order, so that no two transactions wait for each other in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connections, models
from django.db.models import QuerySet, Subquery

if TYPE_CHECKING:
    from deferapp.models.execution import Execution


class _Locked(Subquery):
    """The rows of a query, locked as an UPDATE locks them, in the order in which PostgreSQL gives them."""

    template = "(%(subquery)s FOR NO KEY UPDATE)"


def update_in_order(rows: QuerySet[Execution], **values: Any) -> int:
    """`rows.update(…)`, but PostgreSQL locks the rows in the order of their ids.

    By itself it locks them as it comes upon them, which depends on the plan. SQLite locks all at once. Elsewhere it is
    the plain update, and the database may refuse one of two.
    """
    if connections[rows.db].vendor != "postgresql":
        return rows.update(**values)
    locked = _Locked(rows.order_by("pk").values("pk"))
    return rows.model._default_manager.using(rows.db).filter(pk__in=locked).update(**values)


def lock(rows: QuerySet[Execution], *, skip_locked: bool = False) -> list[UUID]:
    """Let nobody else change these rows until the transaction ends. Returns their ids, in their order.

    With `skip_locked`, where the database can do that, those are left out that somebody else has locked.
    """
    features = connections[rows.db].features
    if not features.has_select_for_update:
        rows.update(state=models.F("state"))  # A read alone would not lock SQLite.
    skip_locked = skip_locked and features.has_select_for_update_skip_locked
    return list(rows.select_for_update(skip_locked=skip_locked).order_by("pk").values_list("pk", flat=True))
