"""Durations counted in buckets, each about 10 % wider than the one before: small to keep, exact to add up.

What is read out of one is right to within its bucket, so to about 5 %. Under a millisecond nothing is told apart, and
all that takes more than 83 years is in the last bucket.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

_GROWTH: Final = 1.1
_BUCKETS: Final = 300
_FLOOR: Final = 1_000
"""Microseconds below which all is in bucket 0."""
# As whole numbers, so that a bound belongs to the same bucket on every machine.
_BOUNDS: Final = (0, *(round(_FLOOR * _GROWTH**number) for number in range(_BUCKETS + 1)))
_MICROSECOND: Final = timedelta(microseconds=1)


def bucket(duration: timedelta) -> int:
    """The number of the bucket that the duration falls into, from 0. What is negative, by clocks that differ, is 0."""
    return max(0, min(bisect_right(_BOUNDS, duration // _MICROSECOND) - 1, _BUCKETS))


def bounds(bucket: int) -> tuple[timedelta, timedelta]:
    """From where, and to where exclusively, durations fall into this bucket."""
    return timedelta(microseconds=_BOUNDS[bucket]), timedelta(microseconds=_BOUNDS[bucket + 1])


def percentile(counts: Mapping[str, int], share: float) -> timedelta | None:
    """The duration that this share (0 to 1) of what was counted did not exceed; None if nothing was counted.

    `counts` are by the number of the bucket, as text, as JSON has it. Within a bucket they are taken to lie evenly.
    """
    found = percentiles(counts, (share,))
    return found[0] if found else None


def percentiles(counts: Mapping[str, int], shares: Sequence[float]) -> list[timedelta] | None:
    """The percentile of each share, in ascending order of the shares, in one pass; None if nothing was counted."""
    ordered = sorted((int(number), counted) for number, counted in counts.items() if counted > 0)
    if not ordered:
        return None
    everything, found, passed = sum(counted for _number, counted in ordered), [], 0.0
    left = iter(ordered)
    number, count = next(left)
    for share in shares:
        while passed + count < share * everything and (following := next(left, None)):
            passed += count
            number, count = following
        lower, upper = bounds(number)
        found.append(lower + (upper - lower) * min(1.0, (share * everything - passed) / count))
    return found


def added_up(texts: Iterable[str]) -> dict[str, int]:
    """All of these together, as they stand in the database: without a dict for each, which takes most of the time."""
    together: defaultdict[str, int] = defaultdict(int)

    def count(pairs: list[tuple[str, int]]) -> None:
        for number, counted in pairs:
            together[number] += counted

    json.loads(f"[{','.join(texts)}]", object_pairs_hook=count)
    return dict(together)


def merged(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    """What was counted in both together."""
    together = dict(a)
    add(together, b)
    return together


def add(to: dict[str, int], counts: Mapping[str, int]) -> None:
    """Count these besides."""
    known = to.get
    for number, count in counts.items():
        to[number] = known(number, 0) + count
