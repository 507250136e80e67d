"""A parent's children, all at once: how far they are, failed ones again, and an end to those that have not ended.

What is done to many is done in chunks, each a conditional UPDATE of its own: a child that moves on meanwhile is left
alone, and a caller that dies has done part of it and may do the rest again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Max, Q

from deferapp.dispatch import publish
from deferapp.executions import current, life
from deferapp.executions.progress import Progress
from deferapp.executions.progress import of as progress_of
from deferapp.executions.states import State
from deferapp.models import Execution, ledger

if TYPE_CHECKING:
    from django.db.models import QuerySet

CHUNK: Final = 500
"""Children that are moved by one statement."""

Child = tuple[datetime, UUID, str]
"""When it was created, its id and its function."""


def progress(parent: UUID) -> Progress:
    current.write_collected()
    return progress_of(_children(parent))


def retry_failed(parent: UUID) -> int:
    """Let every failed child run again, now. Returns how many.

    Each stays the execution that it is, so that the parent's next attempt meets it, and progress repairs itself.
    """
    retried = 0
    for chunk in _chunks(parent, State.FAILED):
        retried += life.retry(*_ids(chunk))
        for function, group in groupby(sorted(chunk, key=_function), key=_function):
            publish.on_commit(function, _ids(group))
    return retried


def cancel(parent: UUID, *, force: bool) -> int:
    """Cancel the children that wait; with `force`, abort those that run. Returns how many that were.

    Goes over them until there are none, since one that ran may have come to wait for a retry, or the other way.
    """
    current.write_collected()
    ended = 0
    newest = _children(parent).aggregate(newest=Max("created_at"))["newest"]
    while newest and _are_left(parent, newest, force=force):
        ended += _cancel_once(parent, newest, force=force)
    return ended


def _cancel_once(parent: UUID, newest: datetime, *, force: bool) -> int:
    """One pass over the children there were at first: a parent that goes on enqueueing must not be run after."""
    moved = sum(life.cancel(*_ids(chunk)) for chunk in _chunks(parent, State.CREATED, newest))
    if force:
        moved += sum(life.abort(*_ids(chunk)) for chunk in _chunks(parent, State.STARTED, newest))
    return moved


def _are_left(parent: UUID, newest: datetime, *, force: bool) -> bool:
    states = (State.CREATED, State.STARTED) if force else (State.CREATED,)
    return _children(parent).filter(state__in=states, created_at__lte=newest).exists()


def _children(parent: UUID) -> QuerySet[Execution]:
    return Execution.objects.using(ledger()).filter(parent_id=parent)


def _chunks(parent: UUID, state: State, newest: datetime | None = None) -> Iterator[list[Child]]:
    """The children in a state, each once, in the order of the parent's index."""
    found = _children(parent).filter(state=state)
    if newest is not None:
        found = found.filter(created_at__lte=newest)
    rows = found.order_by("created_at", "id").values_list("created_at", "id", "function")
    after = Q()
    while chunk := list(rows.filter(after)[:CHUNK]):
        yield chunk
        created_at, id, _ = chunk[-1]
        after = Q(created_at__gte=created_at) & (Q(created_at__gt=created_at) | Q(id__gt=id))


def _function(child: Child) -> str:
    return child[2]


def _ids(children: Iterable[Child]) -> list[UUID]:
    return [id for _, id, _ in children]
