"""Which functions the ledger knows: those of its executions, also when the code has them no more."""

from __future__ import annotations

from typing import Final

from django.db import connections, router

from deferapp.models import Execution

MOST: Final = 1000
"""Names that are listed."""

# From each name to the next by the index on function: DISTINCT would read an entry for every execution.
_SQL: Final = """
    WITH RECURSIVE names(name) AS (
        SELECT MIN({function}) FROM {table}
        UNION ALL
        SELECT (SELECT MIN({function}) FROM {table} WHERE {function} > names.name) FROM names
        WHERE names.name IS NOT NULL
    )
    SELECT name FROM names WHERE name IS NOT NULL LIMIT %s
"""


def recorded(using: str | None = None) -> list[str]:
    """The names of all functions that have executions, in order; at most `MOST`."""
    connection = connections[using or router.db_for_read(Execution)]
    quote = connection.ops.quote_name
    sql = _SQL.format(function=quote("function"), table=quote(Execution._meta.db_table))
    with connection.cursor() as cursor:
        cursor.execute(sql, [MOST])
        return [name for (name,) in cursor.fetchall()]
