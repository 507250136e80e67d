"""Noting the ends that are to be counted, in the transaction that makes them: so none is counted that was rolled back.

No tally is looked at here, so those who settle never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from deferapp.executions.states import State
from deferapp.models import Attempt, TallyEntry, ledger
from deferapp.tallies import ends
from deferapp.tallies.ends import UNSTARTED, End


def unstarted(state: State, executions: Iterable[tuple[UUID, str]], ended_at: datetime) -> None:
    """Note executions, by id and function, that ended in this state without an attempt that ended so."""
    outcome = UNSTARTED[state]
    noted = [_entry(End(function, outcome, ended_at, id)) for id, function in executions]
    TallyEntry.objects.using(ledger()).bulk_create(noted)


def entry_of(attempt: Attempt, function: str) -> TallyEntry:
    """What notes the end of an attempt of this function. It is not written."""
    return _entry(ends.of_attempt(attempt, function))


def _entry(end: End) -> TallyEntry:
    return TallyEntry(**end._asdict())
