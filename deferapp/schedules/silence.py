"""Whether beat is silent: a schedule has fired, and the ring that beat owed for it has not come.

Schedules fire without beat, so nobody would notice. What is compared are two moments in the row of housekeeping, by the
database's clock: when a ring was last heard, and when a schedule first fired after it. Honest limits: a ring
tells that some beat rings, not which; and what is silent may be the way from beat to the workers. With a broker in
memory, as embedded workers have, there is no beat, and nothing is owed.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, Q, QuerySet, Value
from django.db.models.functions import Greatest, Least

from deferapp import conf
from deferapp.dispatch.broker import is_in_memory
from deferapp.fields import DatabaseNow, MomentField
from deferapp.models import Housekeeping, Schedule, ledger

EARLY: Final = timedelta(seconds=15)
"""How long before a due moment its ring may come: beat's clock need not agree better with the database's."""
received: Final = threading.Event()
"""Set when a ring has reached this worker. Its task may still wait for long, and the database may be away."""


def heard_ring() -> None:
    """Beat has rung: it owes nothing."""
    _row().update(rung_at=DatabaseNow(), ring_owed_since=None)


def write_received() -> None:
    """Write down the ring that has reached this worker, if one has since the last time."""
    if received.is_set():
        heard_ring()
        received.clear()


def owe_ring(due_at: datetime) -> None:
    """A schedule that was due then has fired: beat owes a ring, unless it has rung for it or owes one already.

    A worker whose clock is behind fires after beat has rung, and one whose clock is ahead before beat can have.
    """
    if is_in_memory():
        return
    due = Value(due_at, output_field=MomentField())
    rings_count_from = Least(due, DatabaseNow(), output_field=MomentField()) - EARLY
    not_rung = Q(rung_at=None) | Q(rung_at__lt=rings_count_from)
    owed_since = Greatest(due, DatabaseNow(), output_field=MomentField())
    _row().filter(not_rung, ring_owed_since=None).update(ring_owed_since=owed_since)


def forgive() -> None:
    """Do not count what beat owes: its ring may have been lost on the way."""
    _row().update(ring_owed_since=None)


def owed_since() -> datetime | None:
    """Since when beat has owed a ring that has not come yet; None also when no schedule is active."""
    return _since(_owed())


def silent_since() -> datetime | None:
    """Since when beat is silent: as `owed_since`, if that is longer than `BEAT_LIMIT` ago; by one query.

    None also while no worker keeps house: nobody would hear beat.
    """
    limit = timedelta(seconds=conf.current().BEAT_LIMIT)
    return _since(_owed().filter(ring_owed_since__lt=DatabaseNow() - limit, lease_until__gte=DatabaseNow()))


def _row() -> QuerySet[Housekeeping]:
    return Housekeeping.objects.using(ledger()).filter(pk=1)


def _owed() -> QuerySet[Housekeeping]:
    active = Schedule.objects.using(ledger()).filter(is_declared=True, is_paused=False)
    return _row().filter(Exists(active), ring_owed_since__isnull=False)


def _since(rows: QuerySet[Housekeeping]) -> datetime | None:
    return rows.values_list("ring_owed_since", flat=True).first()
