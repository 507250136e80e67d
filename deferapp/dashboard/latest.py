"""The latest execution of each of some functions, by one query, whatever is in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import connections

from deferapp.models import Execution, ledger

# A range of one name: by equality PostgreSQL may take the index of all that was created, and pass over other names.
_LATEST: Final = """
    (SELECT {id} FROM {table} WHERE {function} >= names.name AND {function} <= names.name
     ORDER BY {function} DESC, {created} DESC LIMIT 1)
"""


def latest(functions: Sequence[str]) -> dict[str, Execution]:
    """By function; those without any execution are left out. Two queries."""
    if not functions:
        return {}
    rows = Execution.objects.using(ledger()).filter(pk__in=_ids(functions))
    fields = ("id", "function", "state", "created_at", "started_at", "ended_at", "due_at")
    return {execution.function: execution for execution in rows.only(*fields)}


def _ids(functions: Sequence[str]) -> list[UUID]:
    connection = connections[ledger()]
    quote = connection.ops.quote_name
    columns = {
        name: quote(column) for name, column in (("id", "id"), ("function", "function"), ("created", "created_at"))
    }
    names = " UNION ALL ".join(["SELECT %s AS name", *["SELECT %s"] * (len(functions) - 1)])
    latest_id = _LATEST.format(table=quote(Execution._meta.db_table), **columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {latest_id} FROM ({names}) AS names", list(functions))
        found = [id for (id,) in cursor.fetchall() if id is not None]
    return [id if isinstance(id, UUID) else UUID(str(id)) for id in found]
