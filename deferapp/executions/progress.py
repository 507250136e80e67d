"""How far executions that belong together have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.db.models import Count

from deferapp.executions.states import ENDED, State

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from deferapp.models import Execution


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Counts of one moment."""

    by_state: Mapping[State, int]
    """How many there are in each state, also where that is 0."""

    @property
    def total(self) -> int:
        """How many there are in the ledger; retention takes away what ended long ago."""
        return sum(self.by_state.values())

    @property
    def ended(self) -> int:
        """How many have ended, in whichever way. One that waits for a retry has not."""
        return sum(self.by_state[state] for state in ENDED)

    @property
    def is_complete(self) -> bool:
        """Whether all have ended; also if there are none."""
        return self.ended == self.total


def of(executions: QuerySet[Execution]) -> Progress:
    """One query over the index that finds the executions."""
    counts = dict(executions.order_by().values("state").annotate(count=Count("*")).values_list("state", "count"))
    return Progress(by_state=MappingProxyType({state: counts.get(state, 0) for state in State}))
