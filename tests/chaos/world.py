"""What faults happen to: two servers, three workers, two beats and a load, each with wires of its own.

A process that ends by itself is started again, as a service manager would, and that is told: no fault here excuses it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.chaos.plan import BEATS, LOAD, PREFORK, WORKERS
from tests.faults.wires import Wires, through, wired
from tests.proc import kill_all, session_members
from tests.processes import Process, Project, opened
from tests.proxy import Proxy
from tests.servers import PostgresServer, RedisServer
from tests.waiting import wait_until

WORKER: Final = ("celery", "-A", "tests", "worker", "--loglevel=INFO")
BEAT: Final = ("celery", "-A", "tests", "beat", "--loglevel=INFO", "--pidfile=", "--max-interval=2")
READY_SECONDS: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Span:
    """From when until when, in seconds since 1970."""

    begin: float
    end: float = float("inf")


@contextlib.contextmanager
def noted(spans: list[Span]) -> Iterator[None]:
    """Write down from when until when this lasts."""
    place, begin = len(spans), time.time()
    spans.append(Span(begin=begin))
    yield
    spans[place] = Span(begin=begin, end=time.time())


@dataclass(kw_only=True)
class Record:
    """What was done to the processes, for the verdict."""

    killed_at: dict[int, float] = field(default_factory=dict)
    """By pid."""
    impaired: dict[str, list[Span]] = field(default_factory=dict)
    """When a worker could not speak to the database, by slot."""
    database_away: list[Span] = field(default_factory=list)
    """When the load could not."""
    ended: list[str] = field(default_factory=list)
    """Processes that ended by themselves."""


class Slot:
    """A place for one process at a time: of one kind, on the same wires, however often it is started."""

    def __init__(self, name: str, project: Project, wires: Wires, record: Record) -> None:
        self.name = name
        self.wires = wires
        self.process: Process | None = None
        self._project = project
        self._record = record
        self._generation = 0

    def start(self) -> None:
        """Start a new process, whatever becomes of the one before. Returns before it is ready."""
        self._generation += 1
        name = f"{self.name}-{self._generation}"
        with through(self._project, self.wires):
            self.process = self._project.start(name, *self._command(name))

    def _command(self, name: str) -> tuple[str, ...]:
        if self.name in BEATS:
            return BEAT
        pool = ("--pool=prefork", "--concurrency=2") if self.name in PREFORK else ("--pool=threads", "--concurrency=4")
        return (*WORKER, f"--hostname={name}@%h", *pool)

    @property
    def is_ready(self) -> bool:
        process = self.process
        ready = "beat: Starting..." if self.name in BEATS else " ready."
        return process is not None and process.is_alive and ready in process.log()

    def pids(self) -> list[int]:
        """The processes of the session, the oldest first: that is the one that was started."""
        return sorted(session_members(self.process.pid), key=_started) if self.process else []

    def children(self) -> list[int]:
        return [pid for pid in self.pids() if self.process and pid != self.process.pid]

    def take_out(self) -> Process | None:
        """Leave the place empty; nobody starts the process again."""
        process, self.process = self.process, None
        return process

    def kill(self, pids: list[int], *, along: Sequence[int] = ()) -> None:
        """Kill processes; those `along` end with them."""
        self._record.killed_at.update(dict.fromkeys([*pids, *along], time.time()))
        kill_all(pids, signal.SIGKILL)

    def impaired(self) -> contextlib.AbstractContextManager[None]:
        """Around what keeps the process from speaking to the database."""
        return noted(self._record.impaired.setdefault(self.name, []))

    def revive(self) -> str | None:
        """Start a process again that has ended by itself; say so."""
        if self.process is None or self.process.is_alive:
            return None
        ended = f"{self.process.name} has ended by itself"
        self._record.ended.append(ended)
        self.start()
        return ended


def _started(pid: int) -> tuple[float, int]:
    try:
        return os.stat(f"/proc/{pid}").st_ctime, pid
    except FileNotFoundError:
        return float("inf"), pid


@dataclass(frozen=True, kw_only=True)
class World:
    """All of it."""

    database: PostgresServer
    broker: RedisServer
    project: Project
    slots: dict[str, Slot]
    load_wires: Wires
    record: Record

    def proxy(self, connection: str) -> Proxy:
        """The proxy that a connection goes by, as in `worker1-database`."""
        process, _, server = connection.partition("-")
        wires = self.load_wires if process == LOAD else self.slots[process].wires
        return wires.of(server)

    def wait_until_ready(self) -> None:
        waited = {name: slot for name, slot in self.slots.items() if slot.process}
        for name, slot in waited.items():
            wait_until(lambda slot=slot: slot.revive() or slot.is_ready, READY_SECONDS, f"{name} is ready")

    def close(self) -> None:
        """End the processes before their wires."""
        self.project.close()


@contextlib.contextmanager
def world(directory: Path) -> Iterator[World]:
    """Servers that are migrated and empty, and slots without processes."""
    with contextlib.ExitStack() as stack:
        database, broker = stack.enter_context(PostgresServer()), stack.enter_context(RedisServer())
        project = Project(directory, database_url=database.url, broker_url=broker.url)
        project.settings = {"EXTRA_APPS": ["tests.chaos"]}
        project.manage("migrate", "--verbosity=0")
        record = Record()
        wires = {name: stack.enter_context(wired(project)) for name in (*WORKERS, *BEATS, LOAD)}
        slots = {name: Slot(name, project, wires[name], record) for name in (*WORKERS, *BEATS)}
        stack.enter_context(opened(project))
        yield World(
            database=database,
            broker=broker,
            project=project,
            slots=slots,
            load_wires=wires[LOAD],
            record=record,
        )
