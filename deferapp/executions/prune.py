"""Taking away what ended long ago, as `DEFER["RETENTION"]` says, a small transaction at a time.

With an execution go its attempts, its logs and its key, which may then be used anew; its due moment stays, and keeps
how it ended. A child stays for as long as
its parent has not ended: an attempt of the parent that meets no child would make it again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from deferapp import conf
from deferapp.clock import now
from deferapp.durations import as_duration
from deferapp.executions.states import ENDED, State
from deferapp.models import DueMoment, Execution, ledger
from deferapp.models.locking import lock

MOST_AT_ONCE: Final = 500
"""Executions of a state that one transaction takes away."""
ROUND: Final = 0.5
"""Seconds after which a round begins no further transaction, so that other housekeeping has its turn."""


def retention() -> dict[State, timedelta]:
    """How long executions are kept after their end, by state; a state that is kept for ever is left out.

    Raises `DurationError` for what is no duration, `ValueError` for what is no state in which executions end.
    """
    said = conf.current().RETENTION
    kept = said if isinstance(said, Mapping) else dict.fromkeys(ENDED, said)
    default: Any = conf.Settings().RETENTION
    if unknown := sorted(set(kept) - ENDED):
        raise ValueError(f"executions do not end as {', '.join(unknown)}; they end as {', '.join(sorted(ENDED))}")
    wanted = {state: kept.get(state, default) for state in ENDED}
    return {State(state): as_duration(value) for state, value in wanted.items() if value is not None}


def prune() -> int:
    """One round. Returns how many executions were taken away; as many as `MOST_AT_ONCE` say that there may be more."""
    moment, ends, gone = now(), time.monotonic() + ROUND, 0
    for state, kept in retention().items():
        while taken := _prune(state, moment - kept):
            gone += taken
            if taken < MOST_AT_ONCE or time.monotonic() > ends:
                break
    return gone


def _prune(state: State, before: datetime) -> int:
    executions = Execution.objects.using(ledger())
    running = executions.filter(id=OuterRef("parent_id")).exclude(state__in=ENDED)
    old = executions.filter(~Exists(running), state=state, created_at__lt=before, ended_at__lt=before)
    ids = list(old.order_by("created_at").values_list("id", flat=True)[:MOST_AT_ONCE])
    if not ids:
        return 0
    with transaction.atomic(using=ledger()):
        # Locked before they are taken away, since one that is let run again meanwhile has to stay.
        gone = lock(executions.filter(id__in=ids, state=state, ended_at__lt=before), skip_locked=True)
        executions.filter(id__in=gone).only("id").delete()
        DueMoment.objects.using(ledger()).filter(execution_id__in=gone).update(ended_as=state)
    return len(gone)
