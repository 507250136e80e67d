"""What the ledger knows of an execution's earlier attempts.

A failed attempt that does not count is one that a server had asked to come back later. A failed
attempt that no other was to follow was the last that the policy allowed; if there are later ones, a person has let
the execution run again, and the policy counts anew from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Count, Max, Q, QuerySet

from deferapp.executions.endings.retry import Past
from deferapp.models import Attempt, ledger

if TYPE_CHECKING:
    from deferapp.models import Execution

_FAILED = Q(outcome=Attempt.Outcome.FAILED)
_POSTPONED = _FAILED & Q(counts=False)
_LAST = _FAILED & Q(retry_at=None)


def of(execution: Execution) -> Past:
    """The attempts before the one that `execution` is in, as far as they count. No query if that is the first."""
    before = execution.attempt - 1
    if before < 1:
        return Past()
    known = Attempt.objects.using(ledger()).filter(execution_id=execution.id)
    found = _summary(known)
    if last := found["last"]:
        before -= last
        found = _summary(known.filter(number__gt=last))
    return Past(
        counted=max(0, before - found["postponed"]), postponed=found["postponed"], counted_at=found["counted_at"]
    )


def _summary(attempts: QuerySet[Attempt]) -> dict[str, Any]:
    return attempts.aggregate(
        postponed=Count("id", filter=_POSTPONED),
        counted_at=Max("ended_at", filter=~_POSTPONED),
        last=Max("number", filter=_LAST),
    )
