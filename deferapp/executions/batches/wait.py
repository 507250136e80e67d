"""Waiting for the end of a batch: for one witness after the other, until there is none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from asgiref.sync import sync_to_async

from deferapp.exceptions import ResultTimeout
from deferapp.executions import waiting
from deferapp.executions.batches import witness
from deferapp.executions.waiting import Waiters

if TYPE_CHECKING:
    from uuid import UUID

    from deferapp.executions.batches.batch import Batch

SHORTEST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 0.25
"""Seconds between two looks: the longer nothing has changed, the more, up to this after 20 s."""


def pause(age: float) -> float:
    return min(LONGEST_PAUSE, SHORTEST_PAUSE + age / 100)


_waiters = Waiters(witness.ended, pause)


def wait(batch: Batch, within: float | None = None) -> None:
    """Return when all executions of the batch have ended. Raises `ResultTimeout` after `within` seconds."""
    waiting.prepare()
    ends = None if within is None else time.monotonic() + within
    awaited = _last(batch)
    while awaited is not None:
        try:
            _waiters.wait(awaited, None if ends is None else max(0.0, ends - time.monotonic()))
        except TimeoutError:
            raise ResultTimeout(f"{batch!r} has not ended within {within} s.") from None
        awaited = witness.find(batch.id)


async def await_(batch: Batch) -> None:
    """`wait` from async code."""
    await sync_to_async(waiting.prepare)()
    awaited = _last(batch)
    while awaited is not None:
        await _waiters.await_(awaited)
        awaited = await sync_to_async(witness.find)(batch.id)


def _last(batch: Batch) -> UUID | None:
    """The first witness: of a batch that was just enqueued, the last one."""
    return batch[-1] if batch else None
