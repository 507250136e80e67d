"""The alert that work waits for too long in a queue, `DEFER["QUEUE_LIMIT"]`.

Looked at are, of each function, the executions that were enqueued first. Honest limits: one that is stuck behind
`LOOKED_AT` older ones with later due times is not seen; and work that waits for its function's own limit of concurrency
counts as waiting. What people hold, by a pause or by taking the function out of the code, does not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deferapp import conf
from deferapp.alerts import life
from deferapp.clock import now
from deferapp.dispatch.broker import celery_app
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import Alert, AlertKind, Execution, PausedFunction, ledger

INTERVAL: Final = 15.0
"""Seconds between two looks."""
LOOKED_AT: Final = 200
"""Executions of a function."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The work of one function that waits, as far as it was looked at."""

    function: str
    count: int
    due_at: datetime
    """When the first of them was due."""


class Queues:
    """One worker's watch: it remembers when it looked."""

    def __init__(self) -> None:
        self._look_at = time.monotonic()

    def watch(self) -> None:
        """Open the alerts of queues that are late, and close those of others."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + INTERVAL
        limit = timedelta(seconds=conf.current().QUEUE_LIMIT)
        late = _late(now() - limit) if limit else {}
        for queue, waiting in late.items():
            life.open_alert(AlertKind.QUEUE_OLD, _text(waiting), subject=queue, details={"function": waiting.function})
        for alert in Alert.objects.using(ledger()).filter(kind=AlertKind.QUEUE_OLD, closed_at=None):
            if alert.subject not in late:
                life.close(alert)


def _late(before: datetime) -> dict[str, Waiting]:
    """By queue the function whose work has waited longest, if it was due before."""
    found: dict[str, Waiting] = {}
    for waiting in _waiting(before):
        queue = _queue_of(waiting.function)
        if queue not in found or waiting.due_at < found[queue].due_at:
            found[queue] = waiting
    return found


def _waiting(before: datetime) -> Iterator[Waiting]:
    """One query a function that is known and not paused, down an index of what waits."""
    paused = set(PausedFunction.objects.using(ledger()).values_list("function", flat=True))
    for function in registry.functions():
        if function.name in paused:
            continue
        rows = Execution.objects.using(ledger()).filter(function=function.name, state=State.CREATED)
        moments = list(rows.order_by("created_at").values_list("due_at", flat=True)[:LOOKED_AT])
        if late := [moment for moment in moments if moment < before]:
            yield Waiting(function=function.name, count=len(late), due_at=min(late))


def _queue_of(function: str) -> str:
    return str(celery_app().amqp.router.route({}, function)["queue"].name)


def _text(waiting: Waiting) -> str:
    count = f"{waiting.count}+" if waiting.count == LOOKED_AT else str(waiting.count)
    text = ngettext(
        "%(count)s execution of %(function)s has waited since %(since)s UTC.",
        "%(count)s executions of %(function)s wait, the first since %(since)s UTC.",
        waiting.count,
    )
    values = {"count": count, "function": waiting.function, "since": f"{waiting.due_at:%Y-%m-%d %H:%M:%S}"}
    remedy = _("`manage.py defer doctor` says what it waits for.")
    return f"{text % values} {remedy}"
