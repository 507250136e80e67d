"""What bringing the schedules up to date with the code would change: nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deferapp.cron import parse
from deferapp.exceptions import InvalidFrequency
from deferapp.functions import registry
from deferapp.functions.function import ScheduledFunction
from deferapp.models import Schedule, ledger

_SIGNS = {"new": "+", "gone": "-", "back": "+", "changed": "~"}


@dataclass(frozen=True, kw_only=True)
class Change:
    function: str
    kind: str
    """`new`, `gone` from the code, `back` in it, or `changed`."""
    what: str

    @property
    def sign(self) -> str:
        return _SIGNS[self.kind]


def changes() -> list[Change]:
    rows = {row.function: row for row in Schedule.objects.using(ledger())}
    functions = {function.name: function for function in registry.scheduled()}
    found = [each for function in functions.values() for each in _of(function, rows.get(function.name))]
    gone = [name for name, row in rows.items() if row.is_declared and name not in functions]
    found += [Change(function=name, kind="gone", what="stops: it is gone from the code") for name in gone]
    return sorted(found, key=lambda change: change.function)


def _of(function: ScheduledFunction[..., Any], row: Schedule | None) -> Iterator[Change]:
    declared = _read(function.frequency)
    if row is None:
        yield Change(function=function.name, kind="new", what=f"starts: {declared}")
        return
    if not row.is_declared:
        yield Change(function=function.name, kind="back", what=f"starts again: {declared}")
    if row.declared_frequency != declared:
        stays = f"; {row.frequency} stays, as it was edited" if row.is_overridden else ""
        what = f"frequency in the code {row.declared_frequency} -> {declared}{stays}"
        yield Change(function=function.name, kind="changed", what=what)
    if row.catch_up != function.catch_up:
        yield Change(function=function.name, kind="changed", what=f"catch-up {row.catch_up} -> {function.catch_up}")


def _read(frequency: object) -> str:
    """One that is no frequency is reported by `manage.py check`, and is no schedule."""
    try:
        return parse(frequency).text
    except InvalidFrequency:
        return str(frequency)
