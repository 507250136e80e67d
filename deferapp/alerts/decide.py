"""What is to be told about an alert, and when to look at it again. Pure; `plan` carries it out.

One message an incident: the first at once, what happens further counted into an update every five minutes, a reminder
as long as it is not over, and that it works again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from deferapp.models.alert import AlertKind, DeliveryKind

UPDATE_EVERY: Final = timedelta(minutes=5)
"""How long what happens further is counted before it is told."""
REMIND_AFTER: Final = timedelta(hours=4)
"""How long after the last message of an alert that is open."""
REMIND_AGAIN_AFTER: Final = timedelta(days=1)
"""How long after a reminder."""
QUIET: Final = timedelta(minutes=30)
"""How long nothing further has happened when an alert that is counted is over."""
MOST_IN_A_MINUTE: Final = 5
"""Messages of a channel in a minute; more become one digest."""
DIGEST_WINDOW: Final = timedelta(minutes=1)

COUNTED: Final = frozenset({AlertKind.FAILURES, AlertKind.UNDELIVERED})
"""Kinds that are over when they have been quiet for long enough; others when somebody finds that it works again."""
WITHOUT_END: Final = frozenset({AlertKind.UNDELIVERED})
"""Kinds that end without a word, and of which nobody is reminded: nothing "works again" in them."""


@dataclass(frozen=True, kw_only=True)
class Incident:
    """What of an alert the decision depends on."""

    kind: str
    count: int
    opened_at: datetime
    last_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """A message about it: sent, or to be sent."""

    channel: str
    kind: str
    count: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is to be done now."""

    tell: tuple[tuple[str, DeliveryKind], ...] = ()
    """Channels, and what each is told."""
    closes: bool = False
    """It is over by itself: close it, and decide anew."""
    look_at: datetime | None = None
    """When to decide again, unless something happens before; None when all has been told."""


def decide(incident: Incident, told: Iterable[Told], channels: Sequence[str], moment: datetime) -> Decision:
    """`told` is of this incident, in any order and to any channel; `channels` are those there are today."""
    if incident.closed_at is None and _is_quiet(incident, moment):
        return Decision(closes=True, look_at=moment)
    latest: dict[str, Told] = {}
    for each in sorted(told, key=lambda each: each.created_at):
        latest[each.channel] = each
    kinds = {channel: _to_tell(incident, latest.get(channel), moment) for channel in channels}
    if incident.closed_at is not None:
        return Decision(tell=_said(kinds))
    looks = [_next_look(incident, None if kinds[each] else latest.get(each), moment) for each in channels]
    return Decision(tell=_said(kinds), look_at=_earliest(_ends_at(incident), *looks))


def _said(kinds: dict[str, DeliveryKind | None]) -> tuple[tuple[str, DeliveryKind], ...]:
    return tuple((channel, kind) for channel, kind in kinds.items() if kind is not None)


def _to_tell(incident: Incident, last: Told | None, moment: datetime) -> DeliveryKind | None:
    if last is None:
        return DeliveryKind.OPENED
    if incident.closed_at is not None:
        has_been_told = last.kind == DeliveryKind.RECOVERED or last.created_at >= incident.closed_at
        return None if has_been_told or incident.kind in WITHOUT_END else DeliveryKind.RECOVERED
    if incident.count > last.count and moment >= last.created_at + UPDATE_EVERY:
        return DeliveryKind.UPDATE
    reminder_at = _reminder_at(incident, last)
    return DeliveryKind.REMINDER if reminder_at is not None and moment >= reminder_at else None


def _next_look(incident: Incident, last: Told | None, moment: datetime) -> datetime | None:
    """After the last message; None if one is made now. What happens meanwhile brings the look forward."""
    if last is None:
        return None if incident.kind in WITHOUT_END else moment + REMIND_AFTER
    update_at = last.created_at + UPDATE_EVERY if incident.count > last.count else None
    return _earliest(_reminder_at(incident, last), update_at)


def _reminder_at(incident: Incident, last: Told) -> datetime | None:
    if incident.kind in WITHOUT_END:
        return None
    return last.created_at + (REMIND_AGAIN_AFTER if last.kind == DeliveryKind.REMINDER else REMIND_AFTER)


def _ends_at(incident: Incident) -> datetime | None:
    """When it is over, if nothing further happens. A failure that was noticed late counts from when it was noticed."""
    return max(incident.last_at, incident.opened_at) + QUIET if incident.kind in COUNTED else None


def _is_quiet(incident: Incident, moment: datetime) -> bool:
    ends_at = _ends_at(incident)
    return ends_at is not None and moment >= ends_at


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
