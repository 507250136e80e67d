"""How findings speak of times and of many names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

NAMES: Final = 3
"""Names that a sentence lists; of more, it says how many."""

_UNITS: Final = ((86_400, "days"), (3_600, "h"), (60, "min"))


def span(length: timedelta) -> str:
    """A length of time in its largest unit: 3.2 s, 12 s, 5 min, 7 h, 3 days. Never negative."""
    seconds = abs(length.total_seconds())
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def some(names: Sequence[str]) -> str:
    """`a, b, c and 4 others`"""
    if len(names) <= NAMES + 1:
        return ", ".join(names)
    return f"{', '.join(names[:NAMES])} and {len(names) - NAMES} others"


def count(number: int, noun: str, at_most: int) -> str:
    """`1 execution`, `12 executions`, `at least 1,000 executions` when counting stopped there."""
    many = f"{number:,} {noun}{'' if number == 1 else 's'}"
    return f"at least {many}" if number >= at_most else many
