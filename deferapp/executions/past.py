"""What the ledger knows of an execution's earlier attempts.

A failed attempt without an error code is one that does not count: a server had asked it to come back later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Max, Q

from deferapp.executions.retry import Past
from deferapp.models import Attempt, ledger

if TYPE_CHECKING:
    from deferapp.models import Execution


def of(execution: Execution) -> Past:
    """The attempts before the one that `execution` is in. No query if that is the first."""
    before = execution.attempt - 1
    if before < 1:
        return Past()
    postponed = Q(outcome=Attempt.Outcome.FAILED, error_code="")
    known = Attempt.objects.using(ledger()).filter(execution_id=execution.id)
    found = known.aggregate(postponed=Count("id", filter=postponed), counted_at=Max("ended_at", filter=~postponed))
    return Past(
        counted=max(0, before - found["postponed"]), postponed=found["postponed"], counted_at=found["counted_at"]
    )
