"""Whether beat is silent: a schedule has fired, and the ring that beat owed for it has not come.

Schedules fire without beat, so nobody would notice. What is compared are two moments of the database's clock, kept in
the row of housekeeping: when a ring was last heard, and when a schedule first fired after it. Honest limits: a ring
tells that some beat rings, not which; and who is silent may be the way from beat to the workers. An embedded worker
has no beat, and never owes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, Q, QuerySet

from deferapp import conf
from deferapp.dispatch.broker import local_worker
from deferapp.fields import DatabaseNow
from deferapp.models import Housekeeping, Schedule, ledger

EARLY: Final = timedelta(seconds=15)
"""How long before a schedule fires its ring may come: the clocks of beat and of the worker need not agree better."""


def heard_ring() -> None:
    """Beat has rung: it owes nothing."""
    _row().update(rung_at=DatabaseNow(), ring_owed_since=None)


def owe_ring() -> None:
    """A schedule has fired: beat owes a ring, unless it has just rung or owes one already."""
    if local_worker.is_set():
        return
    not_rung = Q(rung_at=None) | Q(rung_at__lt=DatabaseNow() - EARLY)
    _row().filter(not_rung, ring_owed_since=None).update(ring_owed_since=DatabaseNow())


def forgive() -> None:
    """Do not count what beat owes: its ring may have been lost on the way."""
    _row().update(ring_owed_since=None)


def owed_since() -> datetime | None:
    """Since when beat has owed a ring that has not come yet; None also when nobody would hear it, or needs it."""
    return _since(_owed())


def silent_since() -> datetime | None:
    """Since when beat is silent: as `owed_since`, if that is longer than `BEAT_LIMIT` ago. One query."""
    limit = timedelta(seconds=conf.current().BEAT_LIMIT)
    return _since(_owed().filter(ring_owed_since__lt=DatabaseNow() - limit))


def _row() -> QuerySet[Housekeeping]:
    return Housekeeping.objects.using(ledger()).filter(pk=1)


def _owed() -> QuerySet[Housekeeping]:
    active = Schedule.objects.using(ledger()).filter(is_declared=True, is_paused=False)
    return _row().filter(Exists(active), ring_owed_since__isnull=False, lease_until__gte=DatabaseNow())


def _since(rows: QuerySet[Housekeeping]) -> datetime | None:
    return rows.values_list("ring_owed_since", flat=True).first()
