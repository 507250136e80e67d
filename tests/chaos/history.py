"""What happened in a run: what the witness saw, what the ledger says, and what the load was promised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.chaos.world import Record, Span
from tests.processes import Project


@dataclass(frozen=True, kw_only=True)
class Run:
    """A body, as the witness saw it. Moments are seconds since 1970."""

    execution: str
    attempt: int
    pid: int
    begin: float
    end: float | None
    """None when it was cut."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """As recorded."""

    number: int
    outcome: str
    error_code: str
    worker: str
    ended_at: float

    @property
    def is_lost(self) -> bool:
        return self.error_code in ("ER0004", "ER0002")

    @property
    def slot(self) -> str:
        """Of the worker, which is told as `worker1-3@host 4711`; empty if nobody knew it any more."""
        return self.worker.partition("-")[0]

    @property
    def pid(self) -> int:
        return int(self.worker.rpartition(" ")[2] or 0)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """As recorded."""

    id: str
    function: str
    state: str
    attempt: int
    parent: str | None
    args: list[object]
    attempts: list[Attempt] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.function} {self.id} ({self.state}, attempt {self.attempt})"


@dataclass(frozen=True, kw_only=True)
class History:
    """All that the verdict is made of."""

    runs: list[Run]
    executions: dict[str, Execution]
    kept: set[str]
    rolled_back: set[str]
    slow: list[Span]
    """Enqueues that took long."""
    moments: list[tuple[datetime, str | None]]
    """Due moments of the schedule, and the executions that they made."""
    record: Record

    def runs_of(self) -> dict[str, list[Run]]:
        """By execution, in the order of their beginnings."""
        runs: dict[str, list[Run]] = {}
        for run in sorted(self.runs, key=lambda run: run.begin):
            runs.setdefault(run.execution, []).append(run)
        return runs


def read_runs(lines: Iterable[str]) -> list[Run]:
    """Pair the beginnings and ends. A process runs an attempt once; if it did so twice, both are kept."""
    begun: list[tuple[str, int, int, float]] = []
    ended: dict[tuple[str, int, int], list[float]] = {}
    for line in lines:
        word, execution, attempt, pid, moment = line.split()
        key = execution, int(attempt), int(pid)
        if word == "begin":
            begun.append((*key, float(moment)))
        else:
            ended.setdefault(key, []).append(float(moment))
    runs = []
    for execution, attempt, pid, begin in begun:
        ends = [end for end in ended.get((execution, attempt, pid), []) if end >= begin]
        runs.append(Run(execution=execution, attempt=attempt, pid=pid, begin=begin, end=min(ends, default=None)))
    return runs


def read(project: Project, acknowledged: Path, record: Record) -> History:
    words = [line.split() for line in acknowledged.read_text().splitlines()]
    moments = project.query("SELECT due_at, execution_id::text FROM deferapp_duemoment ORDER BY due_at")
    return History(
        runs=read_runs(project.witness.lines()),
        executions=_executions(project),
        kept={id for word, id, *_ in words if word == "kept"},
        rolled_back={id for word, id, *_ in words if word == "rolled"},
        slow=[Span(begin=float(at), end=float(at) + float(seconds[0])) for word, at, *seconds in words if seconds],
        moments=[(due_at, execution) for due_at, execution in moments],
        record=record,
    )


def _executions(project: Project) -> dict[str, Execution]:
    rows = project.query(
        "SELECT id::text, function, state, attempt, parent_id::text, arguments_json::json->'args'"
        " FROM deferapp_execution"
    )
    executions = {
        row[0]: Execution(
            id=row[0],
            function=row[1].rpartition(".")[2],
            state=row[2],
            attempt=row[3],
            parent=row[4],
            args=row[5] or [],
        )
        for row in rows
    }
    for execution, attempt in _attempts(project):
        executions[execution].attempts.append(attempt)
    return executions


def _attempts(project: Project) -> Iterable[tuple[str, Attempt]]:
    rows = project.query(
        "SELECT execution_id::text, number, outcome, error_code, worker, extract(epoch FROM ended_at)::float"
        " FROM deferapp_attempt ORDER BY number"
    )
    for execution, number, outcome, error_code, worker, ended_at in rows:
        yield (
            execution,
            Attempt(number=number, outcome=outcome, error_code=error_code, worker=worker, ended_at=ended_at),
        )
