"""Whether and when another attempt follows a failed one. A pure decision; `life` carries it out."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from deferapp.executions.failure import Failure
from deferapp.executions.states import ErrorCode
from deferapp.functions.config import RetryPolicy

WORKER_DIED: Final = (ErrorCode.LOST, ErrorCode.OUT_OF_MEMORY)
LOST_LIMIT: Final = timedelta(seconds=10)
"""The longest wait after a lost attempt: the function did nothing wrong, but may be what kills its worker."""


def delay(
    policy: RetryPolicy,
    attempt: int,
    failure: Failure,
    uniform: Callable[[float, float], float] = random.uniform,
) -> timedelta | None:
    """How long to wait after attempt number `attempt` (from 1) has failed; None when it was the last."""
    if failure.is_permanent or attempt > policy.max_attempts:
        return None
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
