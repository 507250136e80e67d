"""A search that has been read, and the executions that it finds: each word is turned into what an index answers.

Honest limits: an id is found by its end among the newest executions only, and but for PostgreSQL metadata is compared
row by row, newest first: with a state, a function or a time beside it, among those alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from deferapp.executions import names
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution
from deferapp.models.pairs import having

if TYPE_CHECKING:
    Rows = TypeVar("Rows", bound=QuerySet[Execution])

NEWEST: Final = 10_000
"""Executions among which the end of an id is looked for: no index begins at the end."""
END_OF_ID: Final = re.compile(r"…?([0-9a-f]{6,31})", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Search:
    text: str
    """As it was typed, spaces apart."""
    states: frozenset[State] = frozenset()
    """Any of them; like `functions` and `ids`, any at all when there is none."""
    functions: tuple[str, ...] = ()
    """Names, or their last parts, or patterns of them with `*` and `?`."""
    ids: tuple[str, ...] = ()
    """Ids, or the ends of them."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    """Before it."""
    parent: UUID | None = None
    error: str | None = None
    """The key of an `ErrorGroup`, of any attempt."""
    free: tuple[str, ...] = ()

    def apply(self, queryset: Rows) -> Rows:
        """Those of the queryset that match."""
        queryset = queryset.filter(self._by_columns())
        if self.metadata:
            queryset = queryset.filter(having("metadata", self.metadata))
        if self.functions or self.ids or self.free:
            queryset = queryset.filter(self._by_names_and_ids(queryset.db))
        return queryset

    def _by_columns(self) -> Q:
        found = Q()
        if self.states:
            found &= Q(state__in=sorted(self.states))
        if self.since:
            found &= Q(created_at__gte=self.since)
        if self.until:
            found &= Q(created_at__lt=self.until)
        if self.parent:
            found &= Q(parent=self.parent)
        if self.error:
            found &= Q(pk__in=Attempt.objects.filter(error_key=self.error).values("execution_id"))
        return found

    def _by_names_and_ids(self, using: str) -> Q:
        known = names.recorded(using) if self.functions or self.free else []
        ends = _Ends(using)
        found = Q()
        if self.functions:
            found &= Q(function__in=_matching(known, self.functions))
        if self.ids:
            found &= Q(pk__in=[id for text in self.ids for id in ends.ids(text)])
        for word in self.free:
            matching = [name for name in known if word.casefold() in name.casefold()]
            found &= Q(function__in=matching) | Q(pk__in=ends.ids(word))
        return found


class _Ends:
    """Finds ids by their ends; reads the newest ids once, and only if there is one that is not whole."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._newest: list[UUID] | None = None

    def ids(self, text: str) -> list[UUID]:
        whole = as_id(text)
        if whole:
            return [whole]
        end = END_OF_ID.fullmatch(text.replace("-", ""))
        return [each for each in self._ids() if each.hex.endswith(end[1].lower())] if end else []

    def _ids(self) -> list[UUID]:
        if self._newest is None:
            self._newest = list(Execution.objects.using(self._using).values_list("pk", flat=True)[:NEWEST])
        return self._newest


def as_id(text: str) -> UUID | None:
    """The id that the text is, in one of the ways in which UUIDs are written."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _matching(known: list[str], wanted: Iterable[str]) -> list[str]:
    # Only `*` and `?` are wild; a bracket stands for itself.
    patterns = [each.casefold().replace("[", "[[]") for each in wanted]
    return [name for name in known if any(_matches(name.casefold(), pattern) for pattern in patterns)]


def _matches(name: str, pattern: str) -> bool:
    """Whether it is like the whole name, or like what stands after one of its dots."""
    tail: str = name
    while tail:
        if fnmatchcase(tail, pattern):
            return True
        tail = tail.partition(".")[2]
    return False
