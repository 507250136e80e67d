"""Publishing what waits in the ledger and has no message: delays that are over, retries, and messages that were lost.

An execution that has been published is published again only when the queue is nearly empty: as long as messages
wait there, its own may be among them, and a queue that nobody reads must not grow.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from deferapp import conf
from deferapp.clock import now
from deferapp.dispatch import publish as publishing
from deferapp.dispatch.broker import broker, logger
from deferapp.executions import pauses
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import Execution, ledger

MOST_A_ROUND: Final = 2_000
"""Executions published in one round of housekeeping."""
HELD: Final = timedelta(minutes=1)
"""Time between two looks at what is held: its function is paused, or unknown to the worker that keeps house."""
NEARLY_EMPTY: Final = 2
"""Messages in a queue up to which lost ones are looked for."""


def publish() -> int:
    """Publish what is due, oldest first. Returns how many executions were named in messages."""
    moment = now()
    waiting = _executions().filter(dispatch_at__lte=moment, state=State.CREATED)
    rows = waiting.order_by("dispatch_at", "created_at").values_list("function", "id", "dispatch_at", "due_at")
    return sum(_publish(function, group, moment) for function, group in _by_function(rows[:MOST_A_ROUND]))


def _publish(function: str, group: list[tuple[Any, ...]], moment: datetime) -> int:
    if registry.get(function) is None or pauses.is_paused(function):
        _look_again_later([each for _, each, _, _ in group], moment, HELD)
        return 0
    fresh = [each for _, each, dispatch_at, due_at in group if dispatch_at <= due_at]
    lost = [each for _, each, dispatch_at, due_at in group if dispatch_at > due_at]
    if lost and not _has_room(function):
        _look_again_later(lost, moment, conf.republish_after())
        lost = []
    ids = fresh + lost
    sent = publishing.now(function, ids)
    _look_again_later(ids[:sent], moment, conf.republish_after())
    return sent


def _by_function(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[str, list[tuple[Any, ...]]]]:
    ordered = sorted(rows, key=lambda row: row[0])
    return ((name, list(group)) for name, group in itertools.groupby(ordered, key=lambda row: row[0]))


def _executions() -> QuerySet[Execution]:
    return Execution.objects.using(ledger())


def _look_again_later(ids: list[Any], moment: datetime, wait: timedelta) -> None:
    """Not at those that have been claimed since `moment`, also if they wait for their next attempt by now."""
    later = now() + wait
    for start in range(0, len(ids), 500):
        rows = _executions().filter(id__in=ids[start : start + 500], state=State.CREATED)
        rows.filter(dispatch_at__lte=moment).update(dispatch_at=later)


def _has_room(function: str) -> bool:
    try:
        return broker.waiting(function) <= NEARLY_EMPTY
    except Exception as error:
        logger.warning("The queue of %s could not be looked at: %r", function, error)
        return False
