"""Executions that have failed for good: one incident for all of a function with one type of error from one place.

Fed by whoever counts the ends of executions, in the transaction that counts them: so each failure is counted once, and
a process that is killed loses none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from deferapp.alerts import life
from deferapp.executions.states import ErrorCode
from deferapp.models import AlertKind, ErrorGroup, TallyOutcome, ledger
from deferapp.observe.names import is_observed
from deferapp.redact import redact_text

if TYPE_CHECKING:
    from deferapp.tallies.ends import End

LONGEST_TEXT: Final = 500


def record(ends: Iterable[End]) -> None:
    """Tell of those among these ends that are failures for good. Their groups of errors have been written."""
    incidents = _by_incident(ends)
    if not incidents:
        return
    groups = ErrorGroup.objects.using(ledger()).in_bulk([key for _function, key in incidents if key])
    for (function, key), failed in sorted(incidents.items()):
        _record(function, groups.get(key), key, failed)


def _by_incident(ends: Iterable[End]) -> dict[tuple[str, str], list[End]]:
    found: dict[tuple[str, str], list[End]] = {}
    for end in ends:
        if end.outcome == TallyOutcome.FAILED:
            found.setdefault((end.function, end.error_key), []).append(end)
    return found


def _record(function: str, group: ErrorGroup | None, key: str, failed: Sequence[End]) -> None:
    life.count_up(
        AlertKind.FAILURES,
        _text(group),
        subject=_subject(function, group),
        key=f"{function}/{key}",
        count=len(failed),
        last_at=max(end.ended_at for end in failed),
        details={"function": function, "error_key": key},
        named=() if is_observed(function) else [_named(end) for end in failed[: life.MOST_NAMED]],
    )


def _named(end: End) -> dict[str, object]:
    return {"execution": str(end.execution_id), "attempt": end.number}


def _subject(function: str, group: ErrorGroup | None) -> str:
    if group is None or not group.error_type:
        return function
    error = str(ErrorCode(group.error_type).label) if group.error_type in ErrorCode else group.error_type
    return _("%(error)s in %(function)s") % {"error": error.rpartition(".")[2], "function": function}


def _text(group: ErrorGroup | None) -> str:
    if group is None:
        return _("Executions have failed for good.")
    has_type = group.error_type and group.error_type not in ErrorCode
    return redact_text(f"{group.error_type}: {group.message}" if has_type else group.message)[:LONGEST_TEXT]
