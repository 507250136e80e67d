"""Who belongs to an execution: its children, and those that were enqueued with it by one `map`, by state.

Counting is bounded: of a larger family the first `MOST` are counted, and the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Max, Q, QuerySet

from deferapp.admin.display import STATE_SIGNS
from deferapp.executions.states import ENDED, State
from deferapp.models import Execution

MOST: Final = 50_000
"""Members of a family that are counted."""
FAILED_SHOWN: Final = 20
RUNNING_SHOWN: Final = 5
_LEAST_WIDTH: Final = 0.6
"""Of a state that one member is in, in hundredths of the bar."""
_ORDER: Final = (
    State.SUCCEEDED,
    State.FAILED,
    State.ABORTED,
    State.CANCELLED,
    State.DISCARDED,
    State.ABORTING,
    State.STARTED,
    State.CREATED,
)
"""From what has ended, which fills the bar from the left, to what waits."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """How many executions that belong together are in each state."""

    by_state: Mapping[State, int] = field(default_factory=dict)
    newest: datetime | None = None
    """When the last one of those that are counted was created, if they are counted in that order."""

    @property
    def is_capped(self) -> bool:
        """Whether there are more than those that were counted."""
        return self.total > MOST

    @property
    def total(self) -> int:
        return sum(self.by_state.values())

    @property
    def ended(self) -> int:
        return sum(count for state, count in self.by_state.items() if state in ENDED)

    @property
    def has_ended(self) -> bool:
        return self.ended == self.total

    def count(self, state: State) -> int:
        return self.by_state.get(state, 0)


def family(members: QuerySet[Execution], *, order: str) -> Family:
    """The first `MOST` of those who share a parent or a batch, in an order that an index gives."""
    counts = {state.value: Count("state", filter=Q(state=state)) for state in State}
    first = members.order_by(order).values("state", order)[: MOST + 1]
    found: dict[str, Any] = first.aggregate(newest=Max(order), **counts)
    newest = found.pop("newest") if order == "created_at" else None
    return Family(by_state={state: found[state] for state in _ORDER if found[state]}, newest=newest)


def worth_a_look(members: QuerySet[Execution], counted: Family, *, order: str) -> list[Execution]:
    """Some that have failed, and then some that run: the first ones, and of those that were counted."""
    rows = members.order_by(order).only("id", "function", "state", "reason")
    if counted.newest:
        rows = rows.filter(created_at__lte=counted.newest)
    shown: list[Execution] = []
    for state, most in ((State.FAILED, FAILED_SHOWN), (State.STARTED, RUNNING_SHOWN)):
        if counted.count(state):
            shown += rows.filter(state=state)[:most]
    return shown


def bar(counted: Family) -> list[dict[str, Any]]:
    """The parts of the progress bar: where they begin and how wide they are, as texts for SVG."""
    shares = {state: max(count / counted.total * 100, _LEAST_WIDTH) for state, count in counted.by_state.items()}
    scale, begin, parts = 100 / sum(shares.values(), 0.0) if shares else 1, 0.0, []
    for state, share in shares.items():
        parts.append({"state": state.value, "x": f"{begin:.3f}%", "width": f"{share * scale:.3f}%"})
        begin += share * scale
    return parts


def summary(counted: Family) -> str:
    """The numbers of the bar for who does not see it: `✓ 35, ⟳ 3, ✕ 2`, with the words of the states."""
    return ", ".join(f"{STATE_SIGNS[state]} {count} {state.label}" for state, count in counted.by_state.items())
