"""Folding: what has been noted is added to the tallies and taken away, in one transaction.

So each end is counted once, whoever is killed, and whoever folds at the same time: one of them does, under a lock, and
the others leave it to their next round. Ends show in charts within a second or two, as housekeeping has its rounds.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Final

from django.db import connections
from django.db.models import Q

from deferapp.alerts import failures
from deferapp.clock import now
from deferapp.models import ErrorGroup, Fold, Span, Tally, TallyEntry, ledger
from deferapp.models.locking import Locked, patience
from deferapp.tallies.cells import KEPT, Cell, Cells, Key, ever
from deferapp.tallies.ends import End
from deferapp.tallies.groups import Groups
from deferapp.tallies.upsert import upsert

MOST_AT_ONCE: Final = 5_000
"""Entries that one transaction folds."""
ROUND: Final = 0.5
"""Seconds after which a round begins no further transaction, so that other housekeeping has its turn."""
FROZEN_SECONDS: Final = 5
"""How long a process may stand still in the middle: PostgreSQL takes the lock from it then."""
ERRORS_KEPT: Final[timedelta] = max(KEPT.values())
"""How long a group of errors that is not seen any more is kept: as long as any tally tells of it."""


def fold() -> int:
    """One round. Returns how many ends were counted; as many as `MOST_AT_ONCE` say that there may be more."""
    counted, ends_at = 0, time.monotonic() + ROUND
    while taken := _fold():
        counted += taken
        if taken < MOST_AT_ONCE or time.monotonic() > ends_at:
            break
    return counted


def prune() -> None:
    """Take away tallies that are older than any page shows, and groups of errors that nobody has seen since."""
    moment = now()
    with suppress(Locked), patience(ledger()):
        lock()
        for span, kept in KEPT.items():
            Tally.objects.using(ledger()).filter(span=span, begins_at__lt=moment - kept).delete()
        ErrorGroup.objects.using(ledger()).filter(last_at__lt=moment - ERRORS_KEPT).delete()


def _fold() -> int:
    entries = TallyEntry.objects.using(ledger())
    if not entries.exists():
        return 0
    with suppress(Locked), patience(ledger()):
        lock()
        taken = {
            id: End(*values) for id, *values in entries.order_by("id").values_list("id", *End._fields)[:MOST_AT_ONCE]
        }
        _add(taken.values())
        failures.record(taken.values())
        entries.filter(id__in=list(taken)).delete()
        return len(taken)
    return 0


def lock() -> None:
    """Let nobody else write tallies until the transaction ends. (An UPDATE locks everywhere.)"""
    connection = connections[ledger()]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{FROZEN_SECONDS}s'")
    rows = Fold.objects.using(ledger())
    if not rows.filter(pk=1).update(folded_at=now()):
        rows.bulk_create([Fold(pk=1, folded_at=now())], ignore_conflicts=True)
        rows.filter(pk=1).update(folded_at=now())


def _add(ends: Collection[End]) -> None:
    """Count ends in all tallies that they belong to."""
    cells, groups = Cells(now()), Groups()
    for end in ends:
        cells.count(end)
        groups.note(end)
    add(cells.all() | ever(ends))
    groups.write()


def add(wanted: dict[Key, Cell]) -> None:
    """Let tallies have this besides. To be called under the lock."""
    for tally in _known(wanted):
        if cell := wanted.get(_key(tally)):
            cell.add(tally.count, tally.waits, tally.durations)
    put(wanted)


def put(cells: Mapping[Key, Cell]) -> None:
    """Let tallies have these values, whether they are there or not. To be called under the lock."""
    rows = [_tally(key, cell) for key, cell in cells.items()]
    upsert(Tally, rows, Key._fields, ["count", "waits", "durations"])


def _known(keys: Iterable[Key]) -> Iterable[Tally]:
    """The tallies of these keys, and maybe some others."""
    spans = {(key.span, key.begins_at) for key in keys}
    if not spans:
        return []
    beginnings = (Q(span=span, begins_at__in=[at for of, at in spans if of == span]) for span in Span.values)
    functions = {key.function for key in keys}
    return Tally.objects.using(ledger()).filter(reduce(or_, beginnings), function__in=functions).order_by()


def _key(tally: Tally) -> Key:
    return Key(tally.span, tally.begins_at, tally.function, tally.outcome, tally.error_key)


def _tally(key: Key, cell: Cell) -> Tally:
    return Tally(**key._asdict(), count=cell.count, waits=dict(cell.waits), durations=dict(cell.durations))
