"""Groups of errors: since when there is one, when it was last seen, and what it said then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from deferapp.models import Attempt, ErrorGroup, ObservedFailure, ledger
from deferapp.observe.names import is_observed
from deferapp.redact import redact_text
from deferapp.tallies.ends import End
from deferapp.tallies.upsert import upsert

_WRITTEN: Final = ["function", "error_type", "place", "message", "first_at", "last_at", "last_execution_id"]
_MESSAGE_LIMIT: Final = 500


@dataclass(kw_only=True)
class _Seen:
    first_at: datetime
    last: End


class Groups:
    """The groups that some ends belong to."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def note(self, end: End) -> None:
        if not end.error_key:
            return
        seen = self._seen.setdefault(end.error_key, _Seen(first_at=end.ended_at, last=end))
        seen.first_at = min(seen.first_at, end.ended_at)
        seen.last = max(seen.last, end, key=_order)

    def write(self) -> None:
        """Make those that are new, and bring the others up to date. To be called under the lock of the tallies."""
        known = ErrorGroup.objects.using(ledger()).in_bulk(list(self._seen))
        newer = [
            seen.last
            for key, seen in self._seen.items()
            if key not in known or seen.last.ended_at >= known[key].last_at
        ]
        attempts = _attempts(newer)
        for end in newer:
            group = known.setdefault(end.error_key, ErrorGroup(key=end.error_key, first_at=end.ended_at))
            _update(group, end, attempts.get((end.execution_id, end.number)))
        for key, seen in self._seen.items():
            known[key].first_at = min(known[key].first_at, seen.first_at)
        upsert(ErrorGroup, list(known.values()), ["key"], _WRITTEN)


def _order(end: End) -> tuple[datetime, UUID, int]:
    return end.ended_at, end.execution_id, end.number


def _attempts(ends: Iterable[End]) -> dict[tuple[UUID, int], Attempt | ObservedFailure]:
    wanted = {(end.execution_id, end.number) for end in ends}
    named = Q(execution_id__in={id for id, _ in wanted}, number__in={number for _, number in wanted})
    found = Attempt.objects.using(ledger()).filter(named).defer("traceback")
    return {(attempt.execution_id, attempt.number): attempt for attempt in found} | _observed(ends)


def _observed(ends: Iterable[End]) -> dict[tuple[UUID, int], ObservedFailure]:
    runs = [end.execution_id for end in ends if is_observed(end.function)]
    found = ObservedFailure.objects.using(ledger()).filter(run__in=runs).defer("traceback") if runs else ()
    return {(each.run, each.number): each for each in found}


def _update(group: ErrorGroup, end: End, attempt: Attempt | ObservedFailure | None) -> None:
    """What the latest failure says, unless it has been deleted meanwhile."""
    group.function, group.last_at, group.last_execution_id = end.function, end.ended_at, end.execution_id
    if attempt is not None:
        group.error_type, group.place = attempt.error_type or attempt.error_code, attempt.place
        group.message = redact_text(attempt.error_message.strip().partition("\n")[0])[:_MESSAGE_LIMIT]
