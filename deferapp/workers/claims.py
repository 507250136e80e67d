"""The ids of claims, and what is held by them.

Those of one run have all but their end in common, and order as they were made: so who recovers for a dead process
knows which claims were one after the other on one worklist.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from typing import Final
from uuid import UUID, uuid4

from deferapp.executions.states import State
from deferapp.models import Execution, ledger

_COUNT_BITS: Final = 32


def of_a_run() -> Iterator[UUID]:
    """The ids for the claims of one run, as many as it needs."""
    begin = uuid4().int >> _COUNT_BITS << _COUNT_BITS
    return (UUID(int=begin | number) for number in itertools.count())


def run_of(claim: UUID | None) -> int:
    """What tells the run of this claim from others."""
    return claim.int >> _COUNT_BITS if claim else 0


def still_held(executions: Collection[Execution]) -> set[UUID]:
    """The ids of those that are held by the claim that this copy of them was read under."""
    held = Execution.objects.using(ledger()).filter(id__in=[each.id for each in executions])
    held = held.filter(claim__in={each.claim for each in executions}, state__in=(State.STARTED, State.ABORTING))
    return set(held.values_list("id", flat=True))
