"""What the witness saw of `labour` and `labour_async`: where and when each began, and how often it had its effect."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.counting import lost_and_twice
from tests.processes import Process, Project
from tests.waiting import wait_until

ENOUGH_SECONDS = 90.0
PROMISED_SECONDS = 20.0
"""Within which what was cut is running again."""


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """One body, as it said itself."""

    number: int
    place: str
    """Its process and thread."""
    at: float
    """By `time.monotonic`, which is one clock for the whole machine."""

    @property
    def pid(self) -> int:
        return int(self.place.partition("/")[0])


class Labours:
    """`count` executions that are enqueued under a label."""

    def __init__(self, project: Project, label: str, count: int, seconds: float, *, gate: str = "") -> None:
        self._project = project
        self._label = label
        self._count = count
        self._seconds = seconds
        self._gate = gate

    def enqueue_by_a_parent(self) -> None:
        call = f"labour_all.enqueue({self._label!r}, {self._count}, {self._seconds})"
        self._project.python(f"from tests.shop.defer.labour_all import labour_all\n{call}")

    def enqueue(self, function: str = "labour") -> None:
        self._project.python(self.statements(function))

    def statements(self, function: str = "labour") -> str:
        """Return what `enqueue` runs, for several to be enqueued at once."""
        calls = f"({self._label!r}, number, {self._seconds}, {self._gate!r}) for number in range({self._count})"
        return f"from tests.shop.defer.{function} import {function}\n{function}.starmap({calls})\n"

    def open_gate(self) -> None:
        """Let those go on that `enqueue` has made to wait at the gate."""
        Path(f"{self._project.witness.path}.{self._gate}").touch()

    def enqueue_one_by_one(self) -> None:
        """Enqueue each in a message of its own."""
        call = f"labour({self._label!r}, number, {self._seconds})"
        self._project.python(f"from tests.shop.defer.labour import labour\nfor number in range({self._count}): {call}")

    def beginnings(self) -> list[Beginning]:
        lines = [line.split() for line in self._lines() if " begun in " in line]
        return [Beginning(number=int(words[1]), place=words[4], at=float(words[6])) for words in lines]

    def effects(self) -> Counter[int]:
        return Counter(int(line.split()[1]) for line in self._lines() if " begun " not in line)

    def in_their_bodies(self) -> set[int]:
        """Those that have begun more often than they have had their effect."""
        begun = Counter(beginning.number for beginning in self.beginnings())
        return set(begun - self.effects())

    def wait_for_effects(self, count: int, timeout: float = ENOUGH_SECONDS) -> None:
        reached: Callable[[], bool] = lambda: len(self.effects()) >= count  # noqa: E731
        wait_until(reached, timeout, lambda: f"{count} have had their effect, and not {len(self.effects())}")

    def wait_for_beginning(self, which: Callable[[Beginning], bool], timeout: float = ENOUGH_SECONDS) -> Beginning:
        found = lambda: next(filter(which, self.beginnings()), None)  # noqa: E731
        return wait_until(found, timeout, f"one of {self._label} begins")

    def wait_for_end(self, timeout: float = ENOUGH_SECONDS) -> None:
        """Return when all executions of the project have ended."""
        wait_until(lambda: not self.open(), timeout, lambda: f"all have ended: {self.open()} are left")

    def open(self) -> int:
        """Return how many executions of the project have not ended."""
        open_states = "('created', 'started', 'aborting')"
        return int(self._project.query(f"SELECT count(*) FROM deferapp_execution WHERE state IN {open_states}")[0][0])

    def lost_and_twice(self) -> tuple[list[int], list[int]]:
        """Return the numbers that had no effect, and those that had more than one."""
        return lost_and_twice(self.effects().elements(), range(self._count))

    def held_by(self, worker: Process) -> set[int]:
        """Return the numbers of those that its processes have claimed and not settled."""
        held = self._project.query(
            "SELECT arguments_json FROM deferapp_execution execution"
            " JOIN deferapp_worker worker ON worker.id = execution.worker_id"
            " WHERE state = 'started' AND supervisor LIKE %s",
            f"{worker.pid}:%",
        )
        calls = [json.loads(arguments)["args"] for (arguments,) in held]
        return {number for label, number, *_ in calls if label == self._label}

    def last_in(self, pids: Collection[int]) -> set[int]:
        """Return what each process, or thread of it, was in when it was cut: that may run again, and nothing else."""
        return set({each.place: each.number for each in self.beginnings() if each.pid in pids}.values())

    def begun_twice(self) -> list[int]:
        return sorted(number for number, count in self._begun().items() if count > 1)

    def _begun(self) -> Counter[int]:
        return Counter(beginning.number for beginning in self.beginnings())

    def _lines(self) -> Iterable[str]:
        return self._project.witness.lines(f"{self._label} ")


def recovered_after(project: Project, killed_at: datetime) -> float:
    """Return how many seconds after a kill the last of the attempts that it cut was recorded as lost, and due again."""
    ((latest,),) = project.query("SELECT max(ended_at) FROM deferapp_attempt WHERE error_code IN ('ER0002', 'ER0004')")
    assert latest, "nothing was cut: the kill came too late"
    if isinstance(latest, str):  # of SQLite, in UTC
        latest = datetime.fromisoformat(latest).replace(tzinfo=UTC)
    return float((latest - killed_at).total_seconds())


def now() -> float:
    return time.monotonic()
