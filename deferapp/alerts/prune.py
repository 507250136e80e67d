"""Taking away alerts that were closed long ago, with their deliveries: as executions that failed are."""

from __future__ import annotations

from typing import Final

from deferapp.clock import now
from deferapp.executions.prune import retention
from deferapp.executions.states import State
from deferapp.models import Alert, ledger

MOST_AT_ONCE: Final = 500


def prune() -> int:
    """One round. Returns how many alerts were taken away."""
    kept = retention().get(State.FAILED)
    if kept is None:
        return 0
    before = now() - kept
    old = Alert.objects.using(ledger()).filter(opened_at__lt=before, closed_at__lt=before, look_at=None)
    ids = list(old.order_by("opened_at").values_list("pk", flat=True)[:MOST_AT_ONCE])
    Alert.objects.using(ledger()).filter(pk__in=ids).delete()
    return len(ids)
