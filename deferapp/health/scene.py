"""What several looks need to know, read once each, and only when one asks.

Everything is bounded: the tables of workers and schedules are small, and of executions only so many are read, by
indexes. The time is the database's, as that of heartbeats is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from celery import Celery
from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Coalesce

from deferapp import clock, conf
from deferapp.dispatch.broker import celery_app
from deferapp.executions.states import State
from deferapp.fields import DatabaseNow
from deferapp.functions import registry
from deferapp.models import Attempt, Execution, PausedFunction, Worker, ledger
from deferapp.schedules import TICK
from deferapp.workers import facts, process

LOOKED_AT: Final = 1_000
"""Executions that wait of a function, or that have started, which are looked at; what stands behind is not seen."""
LATEST: Final = 200
"""Attempts that ended last, which tell what workers do."""
MOST_WORKERS: Final = 1_000
MOST_FUNCTIONS: Final = 500


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The work of one function that waits, as far as it was looked at."""

    function: str
    count: int
    """Up to `LOOKED_AT`."""
    due_at: datetime
    """When the first of them was due."""
    limit_key: str | None
    """Of that one."""


class Scene:
    """One examination: what was read for one look need not be read for the next."""

    def __init__(self) -> None:
        self.absent: set[str] = set()
        """What is not there to be asked: "database", "tables" as the code expects them, or a "worker"."""

    @cached_property
    def app(self) -> Celery:
        return celery_app()

    @cached_property
    def broker_url(self) -> str:
        """Where messages are read; empty if the project does not say."""
        return self.app.conf.broker_read_url or self.app.conf.broker_url or ""

    @property
    def is_in_memory(self) -> bool:
        return self.broker_url.startswith("memory:")

    @cached_property
    def command(self) -> str:
        """How Celery's command is begun in this project."""
        settings = os.environ.get("DJANGO_SETTINGS_MODULE", "").partition(".")[0]
        return f"celery -A {self.app.main or settings or 'PROJECT'}"

    @cached_property
    def workers(self) -> list[Worker]:
        """All workers on the list, the last heard first; a pool's children are left out."""
        rows = Worker.objects.using(ledger()).filter(process=F("supervisor"))
        return list(rows.order_by("-heartbeat_at")[:MOST_WORKERS])

    @cached_property
    def now(self) -> datetime:
        """The database's time when it was first asked for."""
        return self._clocks[1]

    @property
    def clock_offset(self) -> timedelta:
        """How far this process's clock is ahead of the database's."""
        asked, database_now, answered = self._clocks
        return facts.clock_offset(asked, answered, database_now)

    @cached_property
    def _clocks(self) -> tuple[datetime, datetime, datetime]:
        # The one row of an aggregate of nothing: Django has no query without a table.
        time = Coalesce(Max("heartbeat_at", filter=Q(pk=None)), DatabaseNow())
        asked = clock.now()
        database_now = Worker.objects.using(ledger()).aggregate(time=time)["time"]
        return asked, database_now, clock.now()

    def silence(self, worker: Worker) -> timedelta:
        return self.now - worker.heartbeat_at

    def is_alive(self, worker: Worker) -> bool:
        limit = timedelta(seconds=conf.current().HEARTBEAT_LIMIT)
        return self.silence(worker) <= limit and not process.has_ended(worker.host, worker.process)

    @cached_property
    def living(self) -> list[Worker]:
        return [worker for worker in self.workers if self.is_alive(worker)]

    @cached_property
    def readers(self) -> list[Worker]:
        """Living workers that take work: not those that have been told to end."""
        return [worker for worker in self.living if worker.queues != []]

    @property
    def is_embedded(self) -> bool:
        """Whether work is done inside of another process, such as `manage.py defer dev`."""
        return "tables" not in self.absent and any(worker.pool == facts.EMBEDDED for worker in self.living)

    @cached_property
    def read(self) -> list[str]:
        """Queues that living workers read."""
        return sorted({queue for worker in self.readers for queue in worker.queues or ()})

    @cached_property
    def unread(self) -> dict[str, list[str]]:
        """Queues that no living worker reads, with the functions that are sent there."""
        if any(worker.queues is None for worker in self.readers):  # Not yet said, so perhaps all.
            return {}
        queues: dict[str, list[str]] = {}
        for name in self.sent:
            queues.setdefault(self.queue_of(name), []).append(name)
        return {queue: names for queue, names in queues.items() if queue not in self.read}

    @cached_property
    def sent(self) -> list[str]:
        """The names of all Celery tasks of ours."""
        names = [function.name for function in registry.functions()]
        return [*names, TICK] if registry.scheduled() else names

    def queue_of(self, name: str) -> str:
        return str(self.app.amqp.router.route({}, name)["queue"].name)

    def has_reader(self, function: str) -> bool:
        return bool(self.readers) and not any(function in names for names in self.unread.values())

    @cached_property
    def paused(self) -> set[str]:
        return set(PausedFunction.objects.using(ledger()).values_list("function", flat=True)[:MOST_FUNCTIONS])

    @cached_property
    def waiting(self) -> list[Waiting]:
        """The work that waits, by function: of each its oldest `LOOKED_AT` executions."""
        return [each for name in self._functions_that_wait() if (each := self._waiting(name))]

    def _functions_that_wait(self) -> Iterator[str]:
        """One step down an index a function, and not one a row."""
        names = executions().filter(state=State.CREATED).order_by("function").values_list("function", flat=True)
        name = names.first()
        for _ in range(MOST_FUNCTIONS):
            if name is None:
                return
            yield name
            name = names.filter(function__gt=name).first()

    def _waiting(self, name: str) -> Waiting | None:
        # A range of one name: by equality PostgreSQL may take the index of all that waits, and pass over other names.
        oldest = executions().filter(state=State.CREATED, function__range=(name, name))
        oldest = oldest.order_by("function", "created_at")
        rows = list(oldest.values_list("due_at", "limit_key")[:LOOKED_AT])
        if not rows:
            return None
        due_at, limit_key = min(rows, key=lambda row: row[0])
        return Waiting(function=name, count=len(rows), due_at=due_at, limit_key=limit_key)

    @cached_property
    def started(self) -> list[Execution]:
        """What is in its body, or should be: the oldest `LOOKED_AT`."""
        held = executions().filter(state__in=(State.STARTED, State.ABORTING)).order_by("created_at")
        fields = ("id", "function", "state", "due_at", "started_at", "worker_id")
        return list(held.only(*fields)[:LOOKED_AT])

    @cached_property
    def ended(self) -> list[Attempt]:
        """The attempts that ended last, with what their executions are of."""
        latest = Attempt.objects.using(ledger()).order_by("-id").select_related("execution")
        return list(latest.only("ended_at", "execution__function", "execution__due_at")[:LATEST])

    @property
    def begun(self) -> list[Execution]:
        """What has begun lately."""
        return [*self.started, *(attempt.execution for attempt in self.ended)]

    @property
    def is_busy(self) -> bool:
        """Whether something runs, or has ended a moment ago."""
        just_now = self.now - conf.republish_after()
        return bool(self.started) or any(attempt.ended_at > just_now for attempt in self.ended)

    @cached_property
    def holders(self) -> dict[Any, Worker]:
        """The processes, also those of pools, that hold what has started."""
        ids = {execution.worker_id for execution in self.started}
        return Worker.objects.using(ledger()).in_bulk([id for id in ids if id is not None])


def executions() -> QuerySet[Execution]:
    return Execution.objects.using(ledger())
