"""Whether a JSON object of strings has certain pairs, on every database.

Django's `contains` does not work on SQLite, and its key lookups take a key like "7" for an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


class Contains(models.Func):
    """`Contains(object, pairs)`, both of them JSON objects of strings."""

    function = "JSON_CONTAINS"  # MySQL and MariaDB
    arity = 2
    output_field = models.BooleanField()

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s::jsonb)", arg_joiner=" @> ", **context)

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        """No pair of the second object without an equal one of the first."""
        template = "NOT EXISTS (SELECT key, value FROM json_each(%(expressions)s))"
        swapped = self.copy()
        swapped.set_source_expressions(self.get_source_expressions()[::-1])
        joiner = ") EXCEPT SELECT key, value FROM json_each("
        return super(Contains, swapped).as_sql(compiler, connection, template=template, arg_joiner=joiner, **context)
