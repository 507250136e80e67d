"""Pages of a list that may hold millions of rows, of which nobody leafs through more than the newest."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import QuerySet

COUNT_LIMIT: Final = 10_000
"""Rows that are counted and can be leafed through; further ones are found by filters and search."""


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no more than `COUNT_LIMIT` rows of a queryset, since counting all takes a database seconds."""

    limit = COUNT_LIMIT

    @cached_property
    def _counted(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[: self.limit + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.limit)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than the count says."""
        return self._counted > self.limit
