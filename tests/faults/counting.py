"""Counting what the witness saw against what was to happen once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def lost_and_twice(seen: Iterable[str], expected: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return what did not happen, and what happened more than once or was not expected at all."""
    counts, wanted = Counter(seen), set(expected)
    lost = sorted(each for each in wanted if each not in counts)
    twice = sorted(each for each, count in counts.items() if count > 1 or each not in wanted)
    return lost, twice
