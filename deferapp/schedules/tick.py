"""The tick: every schedule that is due fires, once for each due moment, whoever ticks and however often.

Beat rings it, every worker does it every second anyway. Two ticks at once share the work: each takes the schedules
that the other has not locked; and what guarantees "once" is not the lock, but the keys of what `fire` makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connections, transaction
from django.db.models import Min, QuerySet

from deferapp import clock
from deferapp.models import Schedule, ledger
from deferapp.schedules import edits, silence
from deferapp.schedules.fire import fire
from deferapp.schedules.plan import Plan


def tick(now: datetime | None = None) -> int:
    """Fire what is due by `now`. Returns how many executions that made."""
    moment = now or clock.now()
    edits.absorb_if_changed()
    plans = list(_carried_out(moment))
    if plans:
        silence.owe_ring(max(plan.latest for plan in plans))
        edits.absorb_if_changed()  # those that waited until their schedule had fired
    return sum(len(plan.fire) for plan in plans)


def next_due() -> datetime | None:
    """When a schedule will be due next; what is due by now is left out, since it has been tried."""
    active = Schedule.objects.using(ledger()).filter(is_declared=True, is_paused=False)
    earliest: datetime | None = active.filter(next_due_at__gt=clock.now()).aggregate(at=Min("next_due_at"))["at"]
    return earliest


def _carried_out(moment: datetime) -> Iterator[Plan]:
    """Fire until nothing is due, or others have what is."""
    while _due(moment).exists():
        plans = _fire(moment)
        if plans is None:
            return
        yield from plans


def _due(moment: datetime) -> QuerySet[Schedule]:
    return Schedule.objects.using(ledger()).filter(next_due_at__lte=moment, is_declared=True, is_paused=False)


def _fire(moment: datetime) -> list[Plan] | None:
    """One pass over the due schedules; None if others have them all."""
    with transaction.atomic(using=ledger()):
        skip_locked = connections[ledger()].features.has_select_for_update_skip_locked
        schedules = list(_due(moment).select_for_update(skip_locked=skip_locked))
        if not schedules:
            return None
        return fire(schedules, moment)
