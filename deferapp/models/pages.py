"""Pages of executions by cursor: a place in the order of their enqueueing, and not a number of rows.

An execution whose transaction commits late takes its place among those that were enqueued when it was; who has passed
that place does not meet it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

from django.db.models import Q

from deferapp.exceptions import CursorError

if TYPE_CHECKING:
    from deferapp.models.execution import Execution
    from deferapp.models.queries import ExecutionQuerySet

USUAL: Final = 50
"""Executions of a page when nothing is said."""
MOST: Final = 1_000
"""Executions of a page at the most."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of executions, the newest first."""

    items: Sequence[Execution]
    has_next: bool
    """Whether there are older ones; with `before`, as far as that when pages are taken by `first`."""
    has_previous: bool
    """Whether there are newer ones; with `after`, as far as that when pages are taken by `last`."""
    start_cursor: str | None
    """The place of the first item; None on an empty page."""
    end_cursor: str | None
    """The place of the last item; None on an empty page."""


@dataclass(frozen=True, order=True)
class Cursor:
    """The place of an execution: newer ones are greater."""

    created_at: datetime
    id: UUID

    @classmethod
    def of(cls, execution: Execution) -> Self:
        return cls(execution.created_at.astimezone(UTC), execution.id)

    @classmethod
    def read(cls, text: object) -> Self:
        """The cursor that was written as this text, and so. Raises `CursorError` for anything else."""
        try:
            moment, id = json.loads(base64.urlsafe_b64decode(str(text).encode("ascii")))
            cursor = cls(datetime.fromisoformat(moment), UUID(hex=id))
        except (ValueError, TypeError, AttributeError, RecursionError):
            cursor = None
        if cursor is None or cursor.created_at.tzinfo != UTC or str(cursor) != text:
            raise CursorError(f"{text!r:.100} is not a cursor of a page of executions")
        return cursor

    def __str__(self) -> str:
        text = json.dumps([self.created_at.isoformat(), self.id.hex], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode()

    @property
    def older(self) -> Q:
        at_most = Q(created_at__lte=self.created_at)  # Not needed, but what an index is entered by.
        return at_most & (Q(created_at__lt=self.created_at) | Q(id__lt=self.id))

    @property
    def newer(self) -> Q:
        at_least = Q(created_at__gte=self.created_at)
        return at_least & (Q(created_at__gt=self.created_at) | Q(id__gt=self.id))


@dataclass(frozen=True, kw_only=True)
class Span:
    """Which page is asked for."""

    size: int
    is_backward: bool
    """Whether it is the last of the executions between the cursors, and not the first."""
    after: Cursor | None
    before: Cursor | None

    @classmethod
    def of(cls, *, first: int | None, after: str | None, last: int | None, before: str | None) -> Self:
        if first is not None and last is not None:
            raise ValueError("a page is the first= or the last= of executions, not both")
        name, size = ("first", first) if last is None else ("last", last)
        size = USUAL if size is None else size
        if type(size) is not int or not 1 <= size <= MOST:
            raise ValueError(f"{name} is a number from 1 to {MOST}, not {size!r}")
        return cls(
            size=size,
            is_backward=last is not None,
            after=None if after is None else Cursor.read(after),
            before=None if before is None else Cursor.read(before),
        )

    def page(self, executions: ExecutionQuerySet) -> Page:
        order = ("created_at", "id") if self.is_backward else ("-created_at", "-id")
        found = list(self._between(executions).order_by(*order)[: self.size + 1])
        goes_on, items = len(found) > self.size, found[: self.size]
        if self.is_backward:
            items.reverse()
        return Page(
            items=items,
            has_next=self._has_older(executions, items) if self.is_backward else goes_on,
            has_previous=goes_on if self.is_backward else self._has_newer(executions, items),
            start_cursor=str(Cursor.of(items[0])) if items else None,
            end_cursor=str(Cursor.of(items[-1])) if items else None,
        )

    def _between(self, executions: ExecutionQuerySet) -> ExecutionQuerySet:
        if self.after is not None:
            executions = executions.filter(self.after.older)
        return executions if self.before is None else executions.filter(self.before.newer)

    def _has_newer(self, executions: ExecutionQuerySet, items: Sequence[Any]) -> bool:
        """Newer than the first item; on an empty page, not older than the cursor that it begins after."""
        if self.after is None:
            return False
        place = Cursor.of(items[0]).newer if items else ~self.after.older
        return executions.filter(place).exists()

    def _has_older(self, executions: ExecutionQuerySet, items: Sequence[Any]) -> bool:
        if self.before is None:
            return False
        place = Cursor.of(items[-1]).older if items else ~self.before.newer
        return executions.filter(place).exists()
