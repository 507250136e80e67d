"""Retrying, cancelling or aborting all executions that match, in chunks that housekeeping carries out.

Each chunk is one transaction with its place in the order of their enqueueing, so that a crash costs nothing and
nothing is done twice. What is concerned was there when the change was asked for: what a retry has let fail anew is
not retried again, and what is enqueued afterwards is left alone. Whoever asks has to be allowed to: ask before.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from deferapp.clock import now
from deferapp.dispatch import publish
from deferapp.executions import life
from deferapp.executions.prune import retention
from deferapp.executions.selection import selected
from deferapp.executions.states import State
from deferapp.models import BulkAction, BulkChange, Execution, ledger
from deferapp.models.pages import Cursor

if TYPE_CHECKING:
    from deferapp.models.queries import ExecutionQuerySet

CHUNK: Final = 500
"""Executions that one transaction moves; so few are moved at once, where they are asked for."""
MOST_COUNTED: Final = 100_000
"""Executions that are counted before a change; there may be more."""
ROUND: Final = 0.5
"""Seconds after which a round of housekeeping begins no further chunk."""

FROM: Final[Mapping[str, State]] = {
    BulkAction.RETRY: State.FAILED,
    BulkAction.CANCEL: State.CREATED,
    BulkAction.ABORT: State.STARTED,
}
"""The state that an action takes executions from; others that match are left alone."""


def planned(action: str, filters: Mapping[str, str], *, id: UUID, by: str) -> BulkChange:
    """The change as it would be, counted and not written. Raises `SearchError`."""
    change = BulkChange(id=id, action=action, filters=dict(filters), created_by=by[:150], matched=0)
    change.matched = _concerned(change).order_by()[: MOST_COUNTED + 1].count()
    return change


def start(change: BulkChange) -> BulkChange:
    """Write a planned change, and carry out a small one at once. One of the same id that is there stays as it is."""
    BulkChange.objects.using(ledger()).bulk_create([change], ignore_conflicts=True)
    known = BulkChange.objects.using(ledger()).get(pk=change.pk)
    if known.matched <= CHUNK:
        _step(known.pk)
        known.refresh_from_db(using=ledger())
    return known


def work() -> None:
    """One round of housekeeping: a chunk of each change that has not ended, again and again until the time is over."""
    ends = time.monotonic() + ROUND
    unfinished = BulkChange.objects.using(ledger()).filter(ended_at=None).order_by("created_at")
    while ids := list(unfinished.values_list("pk", flat=True)[:100]):
        for id in ids:
            _step(id)
            if time.monotonic() > ends:
                return


def prune() -> int:
    """Take away changes that ended long ago: as executions that failed are. Returns how many."""
    kept = retention().get(State.FAILED)
    if kept is None:
        return 0
    old = BulkChange.objects.using(ledger()).filter(ended_at__lt=now() - kept)
    return old.delete()[0]


def _step(id: UUID) -> None:
    """Move one chunk, unless the change has ended. (The UPDATE keeps others from doing the same, on any database.)"""
    rows = BulkChange.objects.using(ledger()).filter(pk=id)
    with transaction.atomic(using=ledger()):
        if not rows.filter(ended_at=None).update(ended_at=None):
            return
        change = rows.get()
        chunk = _chunk(change)
        done = _move(change.action, chunk)
        rows.update(
            looked_at=F("looked_at") + len(chunk),
            done=F("done") + done,
            place=str(Cursor.of(chunk[-1])) if chunk else change.place,
            ended_at=now() if len(chunk) < CHUNK else None,
        )


def _concerned(change: BulkChange) -> ExecutionQuerySet:
    was_there = Q(created_at__lte=change.created_at)
    if change.action == BulkAction.RETRY:
        was_there &= Q(ended_at__lte=change.created_at)
    rows = Execution.objects.using(ledger()).filter(was_there, state=FROM[change.action])
    return selected(rows, change.filters, change.created_at)


def _chunk(change: BulkChange) -> list[Execution]:
    rows = _concerned(change).order_by("created_at", "id").only("id", "created_at", "function")
    if change.place:
        rows = rows.filter(Cursor.read(change.place).newer)
    return list(rows[:CHUNK])


def _move(action: str, chunk: list[Execution]) -> int:
    ids = [execution.id for execution in chunk]
    if action == BulkAction.CANCEL:
        return life.cancel(*ids)
    if action == BulkAction.ABORT:
        return life.abort(*ids)
    return retry(chunk)


def retry(failed: list[Execution]) -> int:
    """Let executions that have failed for good run again, now. Returns how many."""
    retried = life.retry(*(execution.id for execution in failed))
    for function, group in groupby(sorted(failed, key=attrgetter("function")), key=attrgetter("function")):
        publish.on_commit(function, [execution.id for execution in group])
    return retried
