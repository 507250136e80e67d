"""Finding executions: filters that are combined as one likes, and pages."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import models

from deferapp.durations import as_date
from deferapp.executions.states import ErrorCode, State
from deferapp.functions.function import Declared
from deferapp.functions.options import check_metadata
from deferapp.models.pages import Page, Span
from deferapp.models.pairs import having

if TYPE_CHECKING:
    from deferapp.models.execution import Execution


class ExecutionQuerySet(models.QuerySet["Execution"]):
    """`Execution.objects`. Every filter narrows what those before it left."""

    def state(self, *states: State | str) -> Self:
        """Those in one of the states. Raises `ValueError` for a word that is no state."""
        return self.filter(state__in=[State(state) for state in states])

    def function(self, function: Declared[..., Any] | str) -> Self:
        """Those of a function: itself, its name, or a pattern with `*` for any text and `?` for a character."""
        name = function.name if isinstance(function, Declared) else function
        if "*" not in name and "?" not in name:
            return self.filter(function=name)
        return self.filter(function__regex=_pattern(name))

    def error_code(self, *codes: ErrorCode | str) -> Self:
        """Those whose latest attempt failed with one of the codes. Raises `ValueError` for what is no code."""
        return self.filter(error_code__in=[ErrorCode(code) for code in codes])

    def children_of(self, parent: Execution | UUID | str) -> Self:
        """Those that a running execution has enqueued, itself; not those that these enqueued."""
        return self.filter(parent_id=parent.pk if isinstance(parent, models.Model) else parent)

    def created(self, *, after: date | None = None, before: date | None = None) -> Self:
        """Those enqueued at `after` or later, and earlier than `before`.

        Datetimes or days; without a zone they are read in the project's. Raises `DurationError` for anything else.
        """
        rows = self if after is None else self.filter(created_at__gte=as_date(after))
        return rows if before is None else rows.filter(created_at__lt=as_date(before))

    def metadata(self, /, **pairs: str) -> Self:
        """Those whose metadata has all the pairs. `**{"order-id": "7"}` for keys that are no names.

        Raises `OptionError` for what no metadata can be.
        """
        if not check_metadata(pairs):
            return self.all()
        return self.filter(having("metadata", pairs))

    def page(
        self, *, first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
    ) -> Page:
        """A page of the executions, the newest first, whatever order they had.

        `first=20, after=page.end_cursor` goes on to older ones, `last=20, before=page.start_cursor` back to newer ones;
        with neither `first` nor `last` it is the first 50. Cursors stay good while rows come and go: what exists all
        the time is met once. Raises `CursorError` for what is no cursor, `ValueError` for numbers not from 1 to 1000.
        """
        return Span.of(first=first, after=after, last=last, before=before).page(self)

    async def apage(
        self, *, first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
    ) -> Page:
        """`page` from async code."""
        return await sync_to_async(self.page)(first=first, after=after, last=last, before=before)


_Manager = models.Manager.from_queryset(ExecutionQuerySet)


class ExecutionManager(_Manager["Execution"]):
    """What `Execution.objects` is."""

    def metadata(self, /, **pairs: str) -> ExecutionQuerySet:
        """As the queryset's; the method that Django would make of it takes no pair of the name "self"."""
        return self.all().metadata(**pairs)


def _pattern(glob: str) -> str:
    wild = {"*": ".*", "?": "."}
    return f"^{''.join(wild.get(character) or re.escape(character) for character in glob)}$"
