"""Inserting rows of which some may be there already.

Django's `bulk_create` spends most of its time on one parameter after the other. PostgreSQL takes all rows as one JSON
text, besides what they have in common, and makes a table of it: a third of the work, for both sides.
"""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from django.db import connections
from django.db.models import Model

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

CHUNK: Final = 500
"""Rows in one statement, where Django writes them."""

Values = tuple[Any, ...]


def insert_missing(rows: Sequence[Model], *, using: str) -> None:
    """Insert those of the rows, all of one model, whose primary key is not there yet; the others stay as they are.

    In their order; all of them or none. Keys are the rows' own and not the database's, all values plain ones.
    """
    if not rows:
        return
    if connections[using].vendor == "postgresql":
        _insert_as_json(rows, connections[using])
    else:
        type(rows[0])._default_manager.using(using).bulk_create(rows, ignore_conflicts=True, batch_size=CHUNK)


def _insert_as_json(rows: Sequence[Model], connection: BaseDatabaseWrapper) -> None:
    model = type(rows[0])
    fields = model._meta.concrete_fields
    columns: list[Values] = list(zip(*map(attrgetter(*(field.attname for field in fields)), rows), strict=True))
    # Of one row all is its own: then there is one parameter and no other.
    shared = tuple(len(rows) > 1 and not field.primary_key and _is_one(columns[n]) for n, field in enumerate(fields))
    own = [columns[n] for n, is_shared in enumerate(shared) if not is_shared]
    table = [dict(zip(_NAMES, values, strict=False)) for values in zip(*own, strict=True)]
    parameters = [field.get_db_prep_save(columns[n][0], connection) for n, field in enumerate(fields) if shared[n]]
    text = json.dumps(table, separators=(",", ":"), default=str)
    with connection.cursor() as cursor:
        cursor.execute(_statement(model, connection.alias, shared), [*parameters, text])


_NAMES: Final = string.ascii_letters
"""What the columns are called in the JSON: shortly, since each name stands in every row."""


def _is_one(values: Values) -> bool:
    return values.count(values[0]) == len(values)


@cache
def _statement(model: type[Model], alias: str, shared: tuple[bool, ...]) -> str:
    """The first parameters are what the rows share, in the order of the fields, the last is the table."""
    fields = list(zip(model._meta.concrete_fields, shared, strict=True))
    types = {field: field.db_type(connections[alias]) for field, _ in fields}
    own = dict(zip((field for field, is_shared in fields if not is_shared), _NAMES, strict=False))
    columns = ", ".join(f'"{field.column}"' for field, _ in fields)
    values = ", ".join(f"%s::{types[field]}" if is_shared else f'"{own[field]}"' for field, is_shared in fields)
    names = ", ".join(f'"{name}" {types[field]}' for field, name in own.items())
    return (
        f'INSERT INTO "{model._meta.db_table}" ({columns}) SELECT {values} '
        f"FROM jsonb_to_recordset(%s::jsonb) AS own ({names}) ON CONFLICT DO NOTHING"
    )
