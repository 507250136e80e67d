"""Making the tallies anew from what the ledger has kept: attempts, and executions that ended without one.

For tallies that are missing, since there were executions before there were tallies, or not believed. It is exact while
work goes on: all is read as it was at one moment; what was noted by then is taken away with the old tallies, and what
comes later is folded later. Nothing is folded meanwhile, so charts stand still.

Honest limits. What retention or a person has taken away is not counted any more. Groups of errors are made where they
are missing, and otherwise keep what they know; attempts of a release that knew no groups belong to none. What is
counted for ever goes on as it is. Failures that
were noted and not folded are told as incidents right after it: who kills it in that instant is not told of them. It
reads all attempts once, a minute or so for some millions, in one transaction: PostgreSQL and MariaDB let others write
meanwhile, SQLite does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from deferapp.alerts import failures
from deferapp.clock import now
from deferapp.executions import prune
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution, Fold, Span, Tally, TallyEntry, ledger
from deferapp.observe.names import PREFIX
from deferapp.tallies import ends, fold
from deferapp.tallies.cells import KEPT, LENGTHS, Cells, beginning, ever
from deferapp.tallies.ends import UNSTARTED, End
from deferapp.tallies.groups import Groups

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_OBSERVED: Final = {"function__startswith": PREFIX}
"""Tasks of which the ledger keeps nothing: their tallies stay."""
PAGE: Final = 20_000
"""Rows that are read at once."""


def rebuild(since: datetime | None = None) -> int:
    """Make anew the tallies of what ended since then, from the beginning of that day in UTC. Returns how many ends.

    Without `since` it is from the first day on of which retention has taken nothing away; what was counted before
    that stays. To be called outside of any transaction: raises `RuntimeError` in one. Waits for who folds just now.
    """
    moment = now()
    since = _complete_since(moment) if since is None else beginning(Span.DAY, since)
    cells, groups, count = Cells(moment), Groups(), 0
    with _frozen():
        for end in chain(_attempts(since), _unstarted(since)):
            count += 1
            cells.count(end)
            groups.note(end)
        noted = _noted(since)
        Tally.objects.using(ledger()).filter(begins_at__gte=since).exclude(**_OBSERVED).delete()
        fold.put(cells.all())
        fold.add(ever(noted.values()))
        groups.write()
        # At last: until the end of the transaction MariaDB lets nobody note anything.
        _forget(list(noted))
    with transaction.atomic(using=ledger()):
        # Not before: somebody else may write incidents meanwhile, of which that transaction would see nothing.
        failures.record(noted.values())
    return count


def _complete_since(moment: datetime) -> datetime:
    """The beginning of the first day of which all is kept, and of which tallies are."""
    kept = min([KEPT[Span.DAY], *prune.retention().values()])
    return beginning(Span.DAY, moment - kept) + LENGTHS[Span.DAY]


@contextmanager
def _frozen() -> Iterator[None]:
    """A transaction that sees the ledger as it is at one moment, while nobody folds."""
    connection = connections[ledger()]
    if connection.vendor == "mysql" and not connection.in_atomic_block:
        _execute(connection, _REPEATABLE)  # For the next transaction.
    with transaction.atomic(using=ledger(), durable=True):
        if connection.vendor == "postgresql":
            _execute(connection, _REPEATABLE)
            # Not by its row: a statement that reads would fix the moment before the lock is there.
            _execute(connection, f"LOCK TABLE {connection.ops.quote_name(Fold._meta.db_table)} IN EXCLUSIVE MODE")
        else:
            fold.lock()
        yield


_REPEATABLE: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"


def _execute(connection: BaseDatabaseWrapper, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _attempts(since: datetime) -> Iterator[End]:
    rows = Attempt.objects.using(ledger()).filter(ended_at__gte=since).annotate(function=F("execution__function"))
    fields = (
        "function",
        "outcome",
        "due_at",
        "started_at",
        "ended_at",
        "retry_at",
        "error_key",
        "execution_id",
        "number",
    )
    for row in _paged(rows, *fields):
        yield ends.of_attempt(row, row.function)


def _unstarted(since: datetime) -> Iterator[End]:
    aborted = Attempt.objects.filter(execution=OuterRef("id"), outcome=Attempt.Outcome.ABORTED)
    rows = Execution.objects.using(ledger()).filter(~Exists(aborted), state__in=list(UNSTARTED), ended_at__gte=since)
    for row in _paged(rows, "function", "state", "ended_at"):
        yield End(row.function, UNSTARTED[State(row.state)], row.ended_at, row.id)


def _paged(rows: QuerySet[Any, Any], *fields: str) -> Iterator[Any]:
    """The rows' values by name, read a page at a time, which takes little memory on every database."""
    named = rows.order_by("id").values_list("id", *fields, named=True)
    page: list[Any] = list(named[:PAGE])
    while page:
        yield from page
        page = list(named.filter(id__gt=page[-1].id)[:PAGE]) if len(page) == PAGE else []


def _noted(since: datetime) -> dict[int, End]:
    """What was noted and has not been folded, by id."""
    entries = TallyEntry.objects.using(ledger()).filter(ended_at__gte=since).exclude(**_OBSERVED)
    return {id: End(*values) for id, *values in entries.values_list("id", *End._fields)}


def _forget(ids: Sequence[int]) -> None:
    """By id, since MariaDB would also take away what is noted only now."""
    entries = TallyEntry.objects.using(ledger())
    for first in range(0, len(ids), fold.MOST_AT_ONCE):
        entries.filter(id__in=ids[first : first + fold.MOST_AT_ONCE]).delete()
