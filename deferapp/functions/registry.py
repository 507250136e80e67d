"""All declared functions by name, and what was wrong with declarations.

A declaration never fails at import: its problem is kept here for `manage.py check`, which names the place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deferapp.functions.function import Declared, ScheduledFunction

AnyFunction = Declared[..., Any]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something to be reported by a check."""

    id: str
    """The check's id, as in `deferapp.E003`."""
    place: str
    message: str
    hint: str


_functions: dict[str, AnyFunction] = {}
_problems: dict[tuple[str, str], Problem] = {}


def register(function: AnyFunction) -> None:
    known = _functions.get(function.name)
    if known is not None and known.place != function.place:
        report(
            Problem(
                id="deferapp.E007",
                place=function.place,
                message=f"{function.name} is declared twice, here and at {known.place}.",
                hint="Rename one of them: the name is what the ledger, the queue and the admin know it by.",
            )
        )
        return
    _functions[function.name] = function


def report(problem: Problem) -> None:
    _problems[problem.id, problem.place] = problem


def get(name: str) -> AnyFunction | None:
    return _functions.get(name)


def functions() -> list[AnyFunction]:
    return sorted(_functions.values(), key=lambda function: function.name)


def scheduled() -> list[ScheduledFunction[..., Any]]:
    return [function for function in functions() if isinstance(function, ScheduledFunction)]


def problems() -> list[Problem]:
    return sorted(_problems.values(), key=lambda problem: (problem.place, problem.id))
