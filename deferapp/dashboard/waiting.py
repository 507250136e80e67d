"""What waits, added up by the database: of each function how much, and since when the oldest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connections
from django.db.models import Case, IntegerField, Value, When
from django.utils.dateparse import parse_datetime

from deferapp.executions.states import State
from deferapp.models import Execution, ledger

# Over rows that were limited before: no grouping of Django does that. The sum of ones is their number.
_SQL: Final = """
    SELECT function, SUM(is_due), SUM(1), MIN(CASE WHEN is_due = 1 THEN due_at END)
    FROM ({rows}) AS waiting GROUP BY function
"""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The work of one function that waits."""

    function: str
    due: int
    later: int
    """Not due yet: delays and retries."""
    oldest: datetime | None
    """When the first of those was due that are."""


def waiting(moment: datetime, most: int) -> list[Waiting]:
    """Of the `most` executions that have waited longest since they were enqueued. One query, by the state's index."""
    is_due = Case(When(due_at__lte=moment, then=Value(1)), default=Value(0), output_field=IntegerField())
    rows = Execution.objects.using(ledger()).filter(state=State.CREATED).annotate(is_due=is_due).order_by("created_at")
    return list(_added_up(rows.values("function", "due_at", "is_due")[:most]))


def _added_up(rows: Any) -> Iterator[Waiting]:
    sql, parameters = rows.query.get_compiler(ledger()).as_sql()
    with connections[ledger()].cursor() as cursor:
        cursor.execute(_SQL.format(rows=sql), parameters)
        for function, due, every, oldest in cursor.fetchall():
            yield Waiting(function=function, due=int(due), later=int(every) - int(due), oldest=_moment(oldest))


def _moment(value: Any) -> datetime | None:
    """As the databases write it: SQLite a text, MariaDB without a zone."""
    found = parse_datetime(value) if isinstance(value, str) else value
    if found is None:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
