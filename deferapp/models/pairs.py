"""Whether a JSON object of strings has certain pairs, on every database.

Django's `contains` does not work on SQLite, and its key lookups take a key like "7" for an index. PostgreSQL has an
index for it, over the objects that are not empty; other databases look at row after row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def having(name: str, pairs: Mapping[str, str]) -> models.Q:
    """Rows whose field of this name has all the pairs; there is at least one."""
    is_found = models.Q(Contains(models.F(name), models.Value(json.dumps(dict(pairs)))))
    return is_found & ~models.Q(**{name: {}})  # or PostgreSQL would not know that its index has them all


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
