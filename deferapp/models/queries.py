"""Finding executions: filters that are combined as one likes, and pages."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connections, models
from django.db.models import Subquery

from deferapp.durations import as_date
from deferapp.executions.states import ErrorCode, State
from deferapp.functions.function import Declared
from deferapp.functions.options import check_metadata
from deferapp.models.pages import Page, Span
from deferapp.models.pairs import Contains

if TYPE_CHECKING:
    from deferapp.models.execution import Execution


class _Locked(Subquery):
    """The rows of a query, locked as an UPDATE locks them, in the order in which PostgreSQL gives them."""

    template = "(%(subquery)s FOR NO KEY UPDATE)"


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
        return self.filter(Contains(models.F("metadata"), models.Value(json.dumps(pairs))))

    def update_in_order(self, **values: Any) -> int:
        """`update`, by which two that change the same rows at the same time never wait for each other in a circle.

        PostgreSQL locks rows as it comes upon them, which depends on the plan: here it is in the order of their ids.
        SQLite locks all at once. Elsewhere it is `update`, and the database may refuse one of two.
        """
        if connections[self.db].vendor != "postgresql":
            return self.update(**values)
        locked = _Locked(self.order_by("pk").values("pk"))
        return self.model._default_manager.using(self.db).filter(pk__in=locked).update(**values)

    def lock(self, *, skip_locked: bool = False) -> list[UUID]:
        """Let nobody else change these rows until the transaction ends. Returns their ids, in their order.

        With `skip_locked`, where the database can do that, those are left out that somebody else has locked.
        """
        features = connections[self.db].features
        if not features.has_select_for_update:
            self.update(state=models.F("state"))  # A read alone would not lock SQLite.
        skip_locked = skip_locked and features.has_select_for_update_skip_locked
        return list(self.select_for_update(skip_locked=skip_locked).order_by("pk").values_list("pk", flat=True))

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
