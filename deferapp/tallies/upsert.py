"""Writing rows that are there, or are not, in one statement, on each database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from django.db import connections
from django.db.models import Model

from deferapp.models import ledger

ModelT = TypeVar("ModelT", bound=Model)

_BATCH: Final = 1_000
"""Rows of a statement."""


def upsert(model: type[ModelT], rows: Sequence[ModelT], unique: Sequence[str], written: Sequence[str]) -> None:
    """Insert the rows; of one that is there, by its `unique` fields, replace the `written` ones."""
    # MariaDB takes any unique key of the table for a conflict, and wants none named.
    has_target = connections[ledger()].features.supports_update_conflicts_with_target
    model._default_manager.using(ledger()).bulk_create(
        rows,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=unique if has_target else None,
        update_fields=written,
    )
