"""Executions that have failed for good: one incident for all of a function with one type of error from one place.

Fed by whoever counts the ends of executions, in the transaction that counts them: so each failure is counted once, and
a process that is killed loses none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _

from deferapp.alerts import life
from deferapp.models import AlertKind, ErrorGroup, TallyEntry, TallyOutcome, ledger
from deferapp.redact import redact_text

LONGEST_TEXT = 500

Incidents = Mapping[tuple[str, str], Sequence[TallyEntry]]


def record(entries: Iterable[TallyEntry]) -> None:
    """Tell of those among these ends that are failures for good. Their groups of errors have been written."""
    incidents = _by_incident(entries)
    if not incidents:
        return
    groups = ErrorGroup.objects.using(ledger()).in_bulk([key for _function, key in incidents if key])
    for (function, key), failed in sorted(incidents.items()):
        _record(function, groups.get(key), key, failed)


def _by_incident(entries: Iterable[TallyEntry]) -> Incidents:
    found: dict[tuple[str, str], list[TallyEntry]] = {}
    for entry in entries:
        if entry.outcome == TallyOutcome.FAILED:
            found.setdefault((entry.function, entry.error_key), []).append(entry)
    return found


def _record(function: str, group: ErrorGroup | None, key: str, failed: Sequence[TallyEntry]) -> None:
    life.count_up(
        AlertKind.FAILURES,
        _text(group),
        subject=_subject(function, group),
        key=f"{function}/{key}",
        count=len(failed),
        last_at=max(entry.ended_at for entry in failed),
        details={"function": function, "error_key": key},
        named=[{"execution": str(entry.execution_id), "attempt": entry.number} for entry in failed[: life.MOST_NAMED]],
    )


def _subject(function: str, group: ErrorGroup | None) -> str:
    if group is None or not group.error_type:
        return function
    return _("%(error)s in %(function)s") % {"error": group.error_type.rpartition(".")[2], "function": function}


def _text(group: ErrorGroup | None) -> str:
    if group is None:
        return _("Executions have failed for good.")
    first_line = group.message.strip().partition("\n")[0]
    return redact_text(f"{group.error_type}: {first_line}" if group.error_type else first_line)[:LONGEST_TEXT]
