"""Taking away due moments that are too old for anybody: for the calendar, and for backfills that must not fire twice.

They are kept for longer than their executions may be, and at least for `KEPT`: a row is small.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef

from deferapp.clock import now
from deferapp.executions.prune import retention
from deferapp.models import DueMoment, Execution, Schedule, ledger

KEPT: Final = timedelta(days=90)
"""Of a moment since it was decided; what the calendar of a schedule shows is not older."""
MOST_AT_ONCE: Final = 500
"""Due moments of a schedule that a round takes away."""


def known_since(moment: datetime) -> datetime | None:
    """From when on it is surely known what fired and what did not; None if everything is kept."""
    kept = retention().values()
    return moment - max(KEPT, min(kept)) if kept else None


def prune() -> int:
    """One round. Returns how many were taken away. By the index of each schedule, the oldest first."""
    before = known_since(now())
    if before is None:
        return 0
    schedules = Schedule.objects.using(ledger()).order_by().values_list("pk", flat=True)
    return sum(_prune(schedule, before) for schedule in list(schedules))


def _prune(schedule: int, before: datetime) -> int:
    rows = DueMoment.objects.using(ledger())
    execution = Execution.objects.filter(pk=OuterRef("execution_id"))
    old = rows.filter(~Exists(execution), schedule_id=schedule, due_at__lt=before, decided_at__lt=before)
    ids = list(old.order_by("due_at").values_list("pk", flat=True)[:MOST_AT_ONCE])
    return rows.filter(pk__in=ids).delete()[0] if ids else 0
