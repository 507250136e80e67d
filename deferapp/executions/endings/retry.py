"""Whether and when another attempt follows a failed one. A pure decision; `life` carries it out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from deferapp.executions.endings.failure import Failure
from deferapp.executions.states import ErrorCode
from deferapp.functions.config import RetryPolicy

WORKER_DIED: Final = (ErrorCode.LOST, ErrorCode.OUT_OF_MEMORY)
LOST_LIMIT: Final = timedelta(seconds=10)
"""The longest wait after a lost attempt: the function did nothing wrong, but may be what kills its worker."""

POSTPONED_LIMIT: Final = 1000
"""Attempts of an execution that may end without counting, lest a server that never lets up keep it for ever."""
COUNTED_EVERY: Final = timedelta(hours=1)
"""However often a server says when to come back, an attempt counts once in this time."""


@dataclass(frozen=True, kw_only=True)
class Past:
    """The attempts of an execution before this one."""

    counted: int = 0
    """Those that count against the policy."""
    postponed: int = 0
    """Those that do not."""
    counted_at: datetime | None = None
    """When the latest of those that count ended."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What follows a failed attempt."""

    retry_at: datetime | None
    """When the next attempt is due; None when this was the last."""
    counts: bool = True
    """Whether this attempt counts against the policy."""


def decide(
    policy: RetryPolicy,
    past: Past,
    failure: Failure,
    ended_at: datetime,
    uniform: Callable[[float, float], float] = random.uniform,
) -> Decision:
    """What follows the attempt that has failed at `ended_at`."""
    counts = not (failure.is_postponed and _is_free(past, ended_at))
    wait = delay(policy, past.counted + counts, failure, uniform)
    if wait is None:
        return Decision(retry_at=None)
    return Decision(retry_at=ended_at + wait, counts=counts)


def _is_free(past: Past, ended_at: datetime) -> bool:
    if past.counted_at is None or past.postponed >= POSTPONED_LIMIT:
        return False
    return ended_at - past.counted_at < COUNTED_EVERY


def delay(
    policy: RetryPolicy,
    attempt: int,
    failure: Failure,
    uniform: Callable[[float, float], float] = random.uniform,
) -> timedelta | None:
    """How long to wait after attempt number `attempt` has failed; None when it was the last.

    Only those that count are numbered, from 1.
    """
    if failure.is_permanent or attempt > policy.max_attempts:
        return None
    if failure.retry_after is not None:
        return failure.retry_after
    if failure.code not in WORKER_DIED:
        return interval(policy, attempt, uniform)
    return timedelta() if attempt == 1 else min(LOST_LIMIT, interval(policy, attempt, uniform))


def interval(policy: RetryPolicy, retry: int, uniform: Callable[[float, float], float]) -> timedelta:
    """The wait before retry number `retry` (from 1): exponential, with jitter, never over `max_interval`."""
    try:
        seconds = policy.initial_interval * policy.multiplier ** (retry - 1)
    except OverflowError:
        seconds = policy.max_interval
    seconds = min(seconds, policy.max_interval)
    spread = seconds * policy.randomization_factor
    return timedelta(seconds=min(uniform(seconds - spread, seconds + spread), policy.max_interval))
