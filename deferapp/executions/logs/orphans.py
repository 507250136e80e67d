"""Taking away the logs of executions that are gone: one that was deleted while it ran may write its log afterwards.

No constraint keeps that from happening, and no index finds them. So a round looks at some logs, and the next goes on
from there: all are looked at in turn, and no round takes long.
"""

from __future__ import annotations

from typing import Final

from deferapp.models import AttemptLog, Execution, ledger

LOOKED_AT: Final = 1_000
"""Logs of a round."""


class Orphans:
    """One process's looking: it remembers how far it is."""

    def __init__(self) -> None:
        self._place = 0

    def prune(self) -> int:
        """One round. Returns how many were taken away."""
        logs = AttemptLog.objects.using(ledger())
        rows = list(logs.filter(pk__gt=self._place).order_by("pk").values_list("pk", "execution_id")[:LOOKED_AT])
        self._place = rows[-1][0] if len(rows) == LOOKED_AT else 0
        of = {execution_id for _pk, execution_id in rows}
        there = set(Execution.objects.using(ledger()).filter(pk__in=of).values_list("pk", flat=True)) if of else of
        gone = [pk for pk, execution_id in rows if execution_id not in there]
        return logs.filter(pk__in=gone).delete()[0] if gone else 0
