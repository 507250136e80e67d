"""Whether a batch has ended, without counting it.

A witness is one execution of the batch that has not ended. While it has not, nor has the batch, and a look costs a
look-up by primary key; only when it has is another one searched. That reads what is left of the batch, so the one
that is due last is taken, which likely ends last. No counter has to be kept, which all ends would wait for.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from deferapp.executions.states import ENDED, State
from deferapp.models import Execution, ledger

OPEN: Final = tuple(state for state in State if state not in ENDED)


def find(batch: UUID) -> UUID | None:
    """An execution of the batch that has not ended; None if all have."""
    rows = Execution.objects.using(ledger()).filter(batch=batch, state__in=OPEN)
    # Ordered also because PostgreSQL expects to meet any row soon, and may read the whole table if it does not.
    return rows.order_by("-due_at").values_list("id", flat=True).first()


def ended(ids: list[UUID]) -> list[UUID]:
    """Those of the witnesses that have ended, or are not in the ledger."""
    rows = Execution.objects.using(ledger()).filter(id__in=ids, state__in=OPEN)
    open_ = set(rows.values_list("id", flat=True))
    return [id for id in ids if id not in open_]
