"""Very many executions enqueued and drained at once, with retention at work: is memory flat, and is each run once?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.memory import mebibytes
from benchmarks.site import site
from tests.proc import session_members
from tests.processes import Process, Project
from tests.waiting import wait_until

INTERVAL = 5.0
"""Seconds between two looks."""
PATIENCE = 120.0
"""Seconds without any progress after which it is given up."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one look saw: seconds since the start, bodies run, rows in the ledger, MiB of all of the worker."""

    seconds: float
    done: int
    rows: int
    memory: float

    def __str__(self) -> str:
        return f"{self.seconds:7.0f} s {self.done:11,} done {self.rows:11,} rows {self.memory:8.1f} MiB"


def run(count: int, processes: int, retention: str) -> bool:
    """Enqueue and drain `count` executions. Prints what it sees; True if each ran exactly once."""
    with site(DEFER={"RETENTION": {"succeeded": retention}}) as project:
        worker = project.worker("prefork", processes)
        enqueuer = project.start("enqueue", "benchmarks.enqueue", "line", str(count))
        samples = []
        for sample in _samples(project, worker, count):
            samples.append(sample)
            print(sample, flush=True)
        print(enqueuer.log().strip())
        _tell_of_memory(samples)
        wait_until(lambda: _unfinished(project) == 0, PATIENCE, "all ends are recorded")
        return _tell_of_runs(project, count, samples[-1])


def _samples(project: Project, worker: Process, count: int) -> Iterator[Sample]:
    began = moved = time.monotonic()
    done = 0
    while done < count and time.monotonic() - moved < PATIENCE:
        time.sleep(INTERVAL)
        before, done = done, len(project.witness.lines())
        moved = time.monotonic() if done > before else moved
        memory = sum(mebibytes(pid) for pid in session_members(worker.pid))
        yield Sample(seconds=time.monotonic() - began, done=done, rows=_rows(project), memory=memory)


def _rows(project: Project) -> int:
    """How many executions the ledger holds, by PostgreSQL's statistics: counting would be work itself."""
    statement = "SELECT n_tup_ins - n_tup_del FROM pg_stat_user_tables WHERE relname = 'deferapp_execution'"
    return int(project.query(statement)[0][0])


def _unfinished(project: Project) -> int:
    return int(project.query("SELECT count(*) FROM deferapp_execution WHERE state <> 'succeeded'")[0][0])


def _tell_of_memory(samples: Sequence[Sample]) -> None:
    """The first tenth is left out: until then a worker imports and fills its caches."""
    tenth = max(1, len(samples) // 10)
    early = median(sample.memory for sample in samples[tenth : 2 * tenth] or samples)
    late = median(sample.memory for sample in samples[-tenth:])
    print(
        f"memory of the worker: {early:.1f} MiB in its second tenth, {late:.1f} MiB in its last ({late - early:+.1f})"
    )


def _tell_of_runs(project: Project, count: int, last: Sample) -> bool:
    runs = project.witness.counts()
    lost, twice = count - len(runs), sum(runs.values()) - len(runs)
    print(f"{count:,} executions in {last.seconds:,.0f} s, {count / last.seconds:,.0f} a second")
    print(f"lost {lost}, twice {twice}")
    return (lost, twice) == (0, 0)
