"""Changing a row and writing others because of it, in one statement where the database can do that.

PostgreSQL can, which spares three of four round trips: most of what it costs to record the end of an attempt. Elsewhere
it is a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connections, transaction
from django.db.models import Field, Model


def update_and_insert(
    model: type[Model], where: Mapping[str, Any], values: Mapping[str, Any], rows: Sequence[Model], *, using: str
) -> bool:
    """Change the one row of the model whose fields are as `where` says, and insert the other rows, or do neither.

    `where` holds a unique field. All names are those of fields' attributes, as `worker_id`, and all values are plain
    ones. The rows inserted need not learn their keys. Returns whether there was such a row.
    """
    if connections[using].vendor == "postgresql":
        return _in_one_statement(model, where, values, rows, using)
    with transaction.atomic(using=using, savepoint=False):
        if not model._default_manager.using(using).filter(**where).update(**values):
            return False
        for row in rows:
            row.save(using=using, force_insert=True)
    return True


def _in_one_statement(
    model: type[Model], where: Mapping[str, Any], values: Mapping[str, Any], rows: Sequence[Model], using: str
) -> bool:
    connection = connections[using]
    kinds = tuple(type(row) for row in rows)
    changed = [(model._meta.get_field(name), value) for name, value in (*values.items(), *where.items())]
    written = [(field, getattr(row, field.attname)) for row in rows for field in _inserted(type(row))]
    parameters = [field.get_db_prep_save(value, connection) for field, value in (*changed, *written)]  # type: ignore[union-attr]
    with connection.cursor() as cursor:
        cursor.execute(_statement(model, tuple(where), tuple(values), kinds), parameters)
        return bool(cursor.rowcount)


@cache
def _statement(
    model: type[Model], where: tuple[str, ...], values: tuple[str, ...], inserted: tuple[type[Model], ...]
) -> str:
    column = {name: f'"{model._meta.get_field(name).column}"' for name in (*where, *values)}  # type: ignore[union-attr]
    changes = ", ".join(f"{column[name]} = %s" for name in values)
    conditions = " AND ".join(f"{column[name]} = %s" for name in where)
    update = f'UPDATE "{model._meta.db_table}" SET {changes} WHERE {conditions}'
    if not inserted:
        return update
    *before, last = [_insert(each) for each in inserted]
    steps = [f"changed AS ({update} RETURNING 1)", *(f"step{n} AS ({each})" for n, each in enumerate(before))]
    return f"WITH {', '.join(steps)} {last}"


def _insert(model: type[Model]) -> str:
    fields = _inserted(model)
    columns, places = ", ".join(f'"{field.column}"' for field in fields), ", ".join(["%s"] * len(fields))
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) SELECT {places} FROM changed'


@cache
def _inserted(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]
