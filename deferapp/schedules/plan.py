"""Which moments of a schedule are due, and what becomes of them. Pure; `tick` carries it out."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from deferapp.cron import next_after, parse, times_after
from deferapp.models.schedule import CatchUp

MOST_AT_ONCE: Final = 500
"""Due moments of one schedule that are decided together; more are left to the next tick."""
ON_TIME: Final = timedelta(seconds=15)
"""How late a moment may be and still count as on time: as long as a dead worker takes to be noticed."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a tick does for one schedule."""

    fire: tuple[datetime, ...]
    missed: tuple[datetime, ...]
    next_due_at: datetime

    @property
    def latest(self) -> datetime:
        """The latest of the moments that are decided; there is at least one."""
        return max(self.fire + self.missed)


def plan(frequency: str, catch_up: str, next_due_at: datetime, now: datetime) -> Plan:
    """Decide all moments from `next_due_at` to `now`, both included."""
    expression = parse(frequency)
    later = itertools.takewhile(lambda moment: moment <= now, times_after(expression, next_due_at))
    due = [next_due_at, *itertools.islice(later, MOST_AT_ONCE - 1)]
    following = next_after(expression, due[-1])
    fire = _to_fire(due, catch_up, now, is_last=following > now)
    missed = tuple(moment for moment in due if moment not in fire)
    return Plan(fire=fire, missed=missed, next_due_at=following)


def _to_fire(due: list[datetime], catch_up: str, now: datetime, *, is_last: bool) -> tuple[datetime, ...]:
    if catch_up == CatchUp.ALL:
        return tuple(due)
    if catch_up == CatchUp.NONE:
        return tuple(moment for moment in due if now - moment <= ON_TIME)
    return (due[-1],) if is_last else ()
