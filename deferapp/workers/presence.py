"""Workers in the ledger: who is there, who beats for whom, and who is dead.

Heartbeats are written and compared by the database's clock, so that the machines' clocks need not agree. After an
outage of the database everybody looks silent; `Contact` gives the living time to speak again.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from deferapp import conf, forks
from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.fields import DatabaseNow
from deferapp.models import Housekeeping, Worker, ledger
from deferapp.workers import behind, facts, process
from deferapp.workers.deadlines import Deadlines

LEASE: Final = timedelta(seconds=5)
"""How long a worker keeps house after it last said so."""
FORGET_AFTER: Final = timedelta(hours=1)
"""Silence after which a worker of another machine is taken off the list."""
RENEWED_EVERY: Final = 5.0
"""Seconds for which a process relies on its worker's heart while it works."""
GAP: Final = 5.0
"""Seconds between two heartbeats of its own after which a process no longer knows whom it missed."""


_FINISHING: Final = 1
_BREAKING_OFF: Final = 2


@dataclass(frozen=True, kw_only=True)
class Node:
    """A Celery worker as a whole: made before its pool forks, so that the children have it too."""

    name: str
    pool: str
    supervisor: str
    deadlines: Deadlines = field(default_factory=Deadlines)
    _draining: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, 1))

    def drain(self, *, finish: bool = True) -> None:
        """Begin no more executions in any process of this node, and finish those that have begun or do not."""
        self._draining[0] = _FINISHING if finish else _BREAKING_OFF

    @property
    def pid(self) -> int:
        """The process of the Celery worker itself; those of its pool are others, or the same."""
        return int(self.supervisor.partition(":")[0])

    @property
    def is_draining(self) -> bool:
        return self._draining[0] != 0

    @property
    def is_finishing(self) -> bool:
        return self._draining[0] == _FINISHING


_node: Node | None = None
_lock = threading.Lock()
_mine: tuple[int, Worker] | None = None
_heard_at = float("-inf")
_known: list[Worker] = []
"""Those that this process beats for, as it saw them last."""


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


forks.in_child(_renew_lock)


def prepare(name: str, pool: str) -> Node:
    """Say what this Celery worker is called. Touches no database: it may be away, and children are forked next."""
    global _node, _mine
    _node, _mine = Node(name=name, pool=pool, supervisor=process.this()), None
    _known.clear()
    return _node


def node() -> Node:
    return _node or prepare(f"defer@{process.host().partition('/')[0]}", "")


def current() -> Worker:
    """This process in the ledger, entered when it is first asked for."""
    global _mine
    with _lock:
        if _mine is None or _mine[0] != os.getpid():
            _mine = os.getpid(), _enter()
        return _mine[1]


def _enter() -> Worker:
    """On the list already if the answer to the first try was lost, or if this process was a worker before."""
    node().deadlines.write(0.0)  # what an earlier process of this number has left
    values = {
        "node": node().name,
        "pool": node().pool,
        "supervisor": node().supervisor,
        "started_at": now(),
        "heartbeat_at": DatabaseNow(),
    }
    rows = Worker.objects.using(ledger())
    return rows.update_or_create(host=process.host(), process=process.this(), defaults=values)[0]


def renew() -> Worker:
    """This process, heard a moment ago by its worker's heart or else by itself.

    One that has stood still must not claim while others take it for dead, and one that runs on while its worker is
    frozen is not.
    """
    global _heard_at
    worker, moment = current(), time.monotonic()
    if moment - _heard_at > RENEWED_EVERY:
        row = Worker.objects.using(ledger()).filter(pk=worker.pk)
        if not row.update(heartbeat_at=DatabaseNow()):
            _list_again({worker.pk: worker}, ())
            row.update(heartbeat_at=DatabaseNow())
        _heard_at = moment
    return worker


def beat() -> None:
    """Beat for this process and the living children of its pool."""
    known = {worker.pk: worker for worker in (*_known, current())}
    asked = now()
    listed = list(household().annotate(database_now=DatabaseNow()))
    facts_told = facts.told(is_draining=node().is_draining)
    if listed:
        facts_told["clock_offset"] = facts.clock_offset(asked, now(), listed[0].database_now)
    _known[:] = [*listed, *_list_again(known, listed)]
    living = [worker.pk for worker in _known if process.is_alive(worker.process)]
    Worker.objects.using(ledger()).filter(pk__in=living).update(heartbeat_at=DatabaseNow(), **facts_told)


def _list_again(known: dict[int, Worker], listed: Collection[Worker]) -> list[Worker]:
    """Put back those that others took off the list after a long silence: the processes claim by these keys."""
    missing = known.keys() - {worker.pk for worker in listed}
    living = [known[pk] for pk in missing if process.is_alive(known[pk].process)]
    Worker.objects.using(ledger()).bulk_create(living, ignore_conflicts=True)
    return living


def household() -> QuerySet[Worker]:
    """The Celery worker that this process is, if it is one, and the children of its pool."""
    return Worker.objects.using(ledger()).filter(host=process.host(), supervisor=process.this())


class Contact:
    """Since when this process has been in touch with the database without a gap."""

    def __init__(self) -> None:
        self._since = self._latest = float("-inf")

    def made(self) -> None:
        moment = time.monotonic()
        if moment - self._latest > GAP:
            self._since = moment
        self._latest = moment

    def allows_judgement(self) -> bool:
        """Whether a living worker would have been heard by now."""
        moment = time.monotonic()
        is_in_touch = moment - self._latest <= GAP
        return is_in_touch and moment - self._since > conf.current().HEARTBEAT_LIMIT + GAP / 2


def gone() -> list[Worker]:
    """Workers of this host whose process has ended, and with it any chance that it comes back."""
    here = Worker.objects.using(ledger()).filter(host=process.host())
    return [worker for worker in here if not process.is_alive(worker.process)]


def silent(contact: Contact) -> list[Worker]:
    """Workers that have not been heard for too long: dead on another machine, or frozen, and may then come back."""
    if not contact.allows_judgement():
        return []
    limit = timedelta(seconds=conf.current().HEARTBEAT_LIMIT)
    workers = list(Worker.objects.using(ledger()).filter(heartbeat_at__lt=DatabaseNow() - limit))
    # The answer may have waited, with everybody's heartbeats, behind a lock or on a stalled connection.
    return workers if contact.allows_judgement() else []


def forget(worker: Worker) -> None:
    """Take a worker off the list, if its process has ended or it has been silent for so long that nobody waits."""
    if process.has_ended(worker.host, worker.process) or worker.heartbeat_at < now() - FORGET_AFTER:
        worker.delete()


def keeps_house(worker: Worker) -> bool:
    """Take or prolong the lease; True if this worker is the one that keeps house."""
    rows = Housekeeping.objects.using(ledger())
    if behind.gives_way():
        rows.filter(pk=1, worker=worker).update(lease_until=DatabaseNow() - LEASE)
        return False
    until = DatabaseNow() + LEASE
    if rows.filter(pk=1, worker=worker).update(lease_until=until):
        return True
    if rows.filter(pk=1, lease_until__lt=DatabaseNow()).update(worker=worker, lease_until=until):
        return True
    if not rows.filter(pk=1).exists():
        rows.bulk_create([Housekeeping(pk=1, lease_until=now() - LEASE)], ignore_conflicts=True)
    return False


def leave() -> None:
    """Go in peace: let another worker keep house at once, and be off the list unless something is still held."""
    if _mine is None:
        return
    worker = _mine[1]
    held = Housekeeping.objects.using(ledger()).filter(worker=worker)
    held.update(lease_until=DatabaseNow() - LEASE)
    if not worker.executions.filter(state__in=(State.STARTED, State.ABORTING)).exists():
        Worker.objects.using(ledger()).filter(pk=worker.pk).delete()
