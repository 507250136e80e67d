"""The load right now: what waits in which queue, what runs, who is there to run it, and whether beat rings.

All of it is told by the ledger. Of what waits and what runs only so much is read, the oldest first, by an index; beyond
that the numbers are followed by a plus.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.translation import gettext as _

from deferapp.admin.display import span
from deferapp.clock import now
from deferapp.dashboard.cards import Card, count
from deferapp.dashboard.charts import share
from deferapp.dashboard.viewer import Viewer
from deferapp.dashboard.waiting import Waiting, waiting
from deferapp.dashboard.words import since
from deferapp.dispatch.broker import is_in_memory
from deferapp.executions.states import State
from deferapp.health.scene import Scene
from deferapp.models import Execution, Housekeeping, Worker, ledger
from deferapp.schedules import silence
from deferapp.visible import visible

MOST: Final = 10_000
"""Executions that are read of those that wait, and of those that run."""
WORKERS_SHOWN: Final = 12
_HELD: Final = (State.STARTED, State.ABORTING)


@dataclass(kw_only=True)
class Queue:
    """The work of a queue."""

    name: str
    waiting: int = 0
    later: int = 0
    """Not due yet: delays and retries."""
    running: int = 0
    oldest: datetime | None = None
    is_read: bool = True

    def add(self, waiting: Waiting) -> None:
        self.waiting += waiting.due
        self.later += waiting.later
        if waiting.oldest is not None:
            self.oldest = min(self.oldest or waiting.oldest, waiting.oldest)


class Load:
    """One look. Each part is read once, and only when it is asked for."""

    def __init__(self) -> None:
        self.scene = Scene()
        self._queues_of: dict[str, str] = {}

    @cached_property
    def waiting(self) -> list[Waiting]:
        """What has not started, by function."""
        return waiting(now(), MOST)

    @cached_property
    def held(self) -> list[tuple[str, str | None]]:
        """Function and node of what has started."""
        rows = _executions().filter(state__in=_HELD).order_by("created_at")
        return list(rows.values_list("function", "worker__node")[: MOST + 1])

    @property
    def is_capped(self) -> bool:
        """Whether there may be more than what was read."""
        return sum(each.due + each.later for each in self.waiting) >= MOST

    def queues(self) -> list[Queue]:
        """Those of the code, and those in which something waits or runs; the fullest first."""
        found = {name: Queue(name=name) for name in self._declared()}
        for each in self.waiting:
            self._queue(found, each.function).add(each)
        for function, _node in self.held[:MOST]:
            self._queue(found, function).running += 1
        for queue in found.values():
            queue.is_read = not self.scene.readers or queue.name not in self.scene.unread
        return sorted(found.values(), key=lambda queue: (-queue.waiting, -queue.running, queue.name))

    def _declared(self) -> set[str]:
        return {self._queue_of(name) for name in self.scene.sent}

    def _queue(self, found: dict[str, Queue], function: str) -> Queue:
        name = self._queue_of(function)
        return found.setdefault(name, Queue(name=name))

    def _queue_of(self, function: str) -> str:
        if function not in self._queues_of:
            self._queues_of[function] = self.scene.queue_of(function)
        return self._queues_of[function]

    @cached_property
    def busy(self) -> Counter[str]:
        """How much each node has started."""
        return Counter(node for _function, node in self.held if node)


def queues(load: Load, viewer: Viewer) -> dict[str, Any]:
    """For the template."""
    found = load.queues()
    largest = max((queue.waiting for queue in found), default=0)
    plus = "+" if load.is_capped else ""
    return {
        "rows": [_queue(queue, largest, plus) for queue in found],
        "url": viewer.executions("state:created"),
        "running": count(len(load.held[:MOST])) + ("+" if len(load.held) > MOST else ""),
        "running_url": viewer.executions("state:started,aborting"),
    }


def _queue(queue: Queue, largest: int, plus: str) -> dict[str, Any]:
    return {
        "name": visible(queue.name),
        "waiting": count(queue.waiting) + plus,
        "bar": share(queue.waiting / largest if largest else 0.0, title=_("waiting"), kind="waiting"),
        "oldest": span(now() - queue.oldest) if queue.oldest else "",
        "running": count(queue.running),
        "later": count(queue.later) + plus if queue.later else "",
        "is_read": queue.is_read,
    }


def workers(load: Load, viewer: Viewer) -> list[dict[str, Any]]:
    """For the template: the living first."""
    listed = sorted(load.scene.workers, key=lambda worker: (not load.scene.is_alive(worker), worker.node))
    return [_worker(worker, load, viewer) for worker in listed[:WORKERS_SHOWN]]


def _worker(worker: Worker, load: Load, viewer: Viewer) -> dict[str, Any]:
    is_alive, is_ending = load.scene.is_alive(worker), worker.queues == []
    return {
        "name": visible(worker.node),
        "url": viewer.page("worker_change", worker.pk),
        "is_alive": is_alive,
        "sign": "○" if not is_alive else "◐" if is_ending else "●",
        "state": _("silent") if not is_alive else _("ending") if is_ending else _("alive"),
        "kind": "failed" if not is_alive else "aborting" if is_ending else "succeeded",
        "heard": since(load.scene.silence(worker)),
        "busy": load.busy[worker.node],
        "slots": worker.slots,
        "bar": share(load.busy[worker.node] / worker.slots, title=_("busy"), kind="busy") if worker.slots else "",
    }


def workers_card(load: Load, viewer: Viewer) -> Card:
    alive = len(load.scene.living)
    every = max(alive, len(load.scene.workers))
    dots = "●" * min(alive, 10) + "○" * min(every - alive, 10)
    return Card(
        key="workers",
        label=_("workers"),
        value=f"{alive}/{every}" if every else "0",
        trend=format_html('<span class="deferapp-dots" aria-hidden="true">{}</span>', dots),
        change=None,
        url=viewer.page("worker_changelist"),
        kind="bad" if not load.scene.readers else "",
    )


def beat() -> dict[str, Any] | None:
    """For the template; None where there is no beat, because one process does everything."""
    if is_in_memory():
        return None
    row = Housekeeping.objects.using(ledger()).filter(pk=1).first()
    rung_at = row.rung_at if row else None
    is_silent = silence.silent_since() is not None
    return {
        "is_silent": is_silent,
        "sign": "○" if is_silent or not rung_at else "●",
        "kind": "failed" if is_silent else "succeeded" if rung_at else "unknown",
        "text": _("rang %(ago)s") % {"ago": since(now() - rung_at)} if rung_at else _("has not rung yet"),
    }


def _executions() -> QuerySet[Execution]:
    return Execution.objects.using(ledger())
