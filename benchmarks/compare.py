"""Runs a scenario by each system in turn, round by round, and prints medians and their ratio to plain Celery."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import bodies, cpu
from benchmarks.systems import BY_NAME, OURS, Place, System, Worker, place
from tests.leases import ROOT
from tests.waiting import wait_until

PATIENCE: Final = 900.0
"""Seconds that a run may take."""
FIRST: Final = 50
"""A drain is measured from when a part of so many jobs is done: what is before is the workers' start."""
CLIENT: Final = "benchmarks.client"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One measurement: how many in how many seconds, and the CPU seconds of the system and of the servers."""

    count: int
    seconds: float
    system_cpu: float
    servers_cpu: float
    others: float
    """How many cores other processes of the machine used meanwhile: above 0.3, believe only CPU."""
    latencies: Sequence[float] = ()

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def microseconds(self, cpu_seconds: float) -> float:
        return cpu_seconds / self.count * 1e6


class Measured:
    """Measures time and CPU between two moments."""

    def __init__(self, place: Place, processes: Sequence[Worker] = ()) -> None:
        self._place = place
        self._processes = processes
        self._began = time.perf_counter()
        self._before = self._used()

    def _used(self) -> tuple[float, float, float, float]:
        used = sum(cpu.seconds(process.pid) for process in self._processes)
        return used, self._place.servers_cpu(), cpu.busy(), sum(os.times()[:2])

    def run(self, count: int, seconds: float | None = None, client_cpu: float = 0.0, **more: Any) -> Run:
        passed = time.perf_counter() - self._began
        used, servers, busy, own = (after - before for before, after in zip(self._before, self._used(), strict=True))
        return Run(
            count=count,
            seconds=passed if seconds is None else seconds,
            system_cpu=used + client_cpu,
            servers_cpu=servers,
            others=max(0.0, (busy - used - servers - own - client_cpu) / passed),
            **more,
        )


def enqueueing(action: str) -> Callable[[Place, System, str, int], Run]:
    def measure(place: Place, system: System, scenario: str, count: int) -> Run:
        has_workers = scenario in system.special
        with workers(place, system, scenario if has_workers else "") as processes:
            if has_workers:  # they have started when one job is done
                client(place, system, action, "touch", 1)
            measured = Measured(place, processes)
            done = client(place, system, action, "touch", count)
            return measured.run(count, seconds=done["seconds"], client_cpu=done["cpu"])

    return measure


def draining(body: str, action: str = "many") -> Callable[[Place, System, str, int], Run]:
    def measure(place: Place, system: System, scenario: str, count: int) -> Run:
        done_before = 1  # the client's first one
        client(place, system, action, body, count)
        with workers(place, system, scenario) as processes:
            _wait_for(place, done_before + count // FIRST)
            first, measured = _done(place), Measured(place, processes)
            _wait_for(place, done_before + count)
            if not system.is_peer:
                _wait_for_ledger(place, system)
            return measured.run(count + done_before - first)

    return measure


def answering(place: Place, system: System, scenario: str, count: int) -> Run:
    with workers(place, system, scenario) as processes:
        measured = Measured(place, processes)
        done = client(place, system, "latency", "stamp", count)
        return measured.run(count, client_cpu=done["cpu"], seconds=done["seconds"], latencies=done["latencies"])


@dataclass(frozen=True, kw_only=True)
class Scenario:
    about: str
    count: int
    measure: Callable[[Place, System, str, int], Run]
    peers: Sequence[str]
    reference: str = "celery"


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "loop": Scenario(
        about="one call a job in a loop; deferapp: `await fn(x)` in a parent, to its recorded end",
        count=10_000,
        measure=enqueueing("loop"),
        peers=("celery", "huey", "procrastinate", "django-tasks-db"),
    ),
    "map": Scenario(
        about="many at once by the best way there is; deferapp: `fn.map`",
        count=50_000,
        measure=enqueueing("many"),
        peers=("celery", "celery-group", "huey", "procrastinate"),
    ),
    "transaction": Scenario(
        about="one call a job in a loop in a transaction, to its end",
        count=10_000,
        measure=enqueueing("transaction"),
        peers=("celery", "procrastinate", "django-tasks-db"),
    ),
    "drain": Scenario(
        about="empty sync jobs, enqueued at once, two processes",
        count=10_000,
        measure=draining("touch"),
        peers=("celery", "celery-results", "huey", "procrastinate", "django-tasks-db"),
    ),
    "singles": Scenario(
        about="the same, enqueued one by one, as by many requests",
        count=10_000,
        measure=draining("touch", "singles"),
        peers=("celery", "huey"),
    ),
    "waits": Scenario(
        about="async jobs that wait for 50 ms (threads or greenlets where there is no async)",
        count=2_000,
        measure=draining("nap"),
        peers=("celery-threads", "huey", "huey-greenlet", "procrastinate"),
        reference="celery-threads",
    ),
    "queries": Scenario(
        about="the same with one query of the ORM each",
        count=2_000,
        measure=draining("ask"),
        peers=("celery-threads", "huey", "procrastinate"),
        reference="celery-threads",
    ),
    "latency": Scenario(
        about="from the call to the beginning of the job, an idle worker, one by one",
        count=200,
        measure=answering,
        peers=("celery", "celery-results", "huey"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be measured."""

    scenarios: Sequence[str]
    rounds: int = 3
    count: int | None = None
    with_peers: bool = False
    only: Sequence[str] = ()
    runs: dict[tuple[str, str], list[Run]] = field(default_factory=dict)

    def systems(self, name: str) -> list[System]:
        names = [OURS.name, *(SCENARIOS[name].peers if self.with_peers else ())]
        return [BY_NAME[each] for each in names if not self.only or each in self.only]


def run(wish: Wish, python: Path) -> bool:
    """Measure what is wished for, and print it. True if every run went through."""
    print(_machine(), flush=True)
    is_complete = True
    with place(python) as here:
        for name in wish.scenarios:
            scenario = SCENARIOS[name]
            print(f"\n{name}: {scenario.about}; {wish.count or scenario.count:,}", flush=True)
            for _ in range(wish.rounds):
                for system in wish.systems(name):
                    is_complete &= _run(here, wish, name, system)
            _print(name, wish)
    return is_complete


def _run(here: Place, wish: Wish, name: str, system: System) -> bool:
    here.clear(system)
    scenario = SCENARIOS[name]
    try:
        one = scenario.measure(here, system, name, wish.count or scenario.count)
    except (AssertionError, subprocess.SubprocessError) as error:
        print(f"  {system.name} did not get through: {error}", flush=True)
        return False
    wish.runs.setdefault((name, system.name), []).append(one)
    return True


def _print(name: str, wish: Wish) -> None:
    found = {system.name: wish.runs.get((name, system.name), []) for system in wish.systems(name)}
    reference = found.get(SCENARIOS[name].reference)
    unit = median(run.rate for run in reference) if reference else None
    print(f"  {'':16}{'a second':>26}{'ratio':>8}{'CPU µs':>9}{'servers':>9}{'others':>8}")
    for system, runs in found.items():
        if runs:
            print(f"  {system:16}{_line(runs, unit)}", flush=True)


def _line(runs: Sequence[Run], unit: float | None) -> str:
    rates = sorted(run.rate for run in runs)
    rate = median(rates)
    own, servers = (
        median(run.microseconds(value(run)) for run in runs)
        for value in (lambda run: run.system_cpu, lambda run: run.servers_cpu)
    )
    ratio = "" if unit is None else f"{rate / unit:.2f} ×"
    spread = f"{rate:,.0f} ({rates[0]:,.0f}–{rates[-1]:,.0f})"
    others = median(run.others for run in runs)
    return f"{spread:>26}{ratio:>8}{own:9,.0f}{servers:9,.0f}{others:8.1f}{_latencies(runs)}"


def _latencies(runs: Sequence[Run]) -> str:
    if not runs[0].latencies:
        return ""
    middle = median(median(run.latencies) for run in runs) * 1e3
    late = median(sorted(run.latencies)[int(len(run.latencies) * 0.99)] for run in runs) * 1e3
    return f"   p50 {middle:.1f} ms, p99 {late:.1f} ms"


def client(place: Place, system: System, action: str, body: str, count: int) -> dict[str, Any]:
    command = [place.python(system), "-m", CLIENT, system.module, action, body, str(count)]
    done = subprocess.run(
        command, env=place.environment(system), cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, f"the client ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@contextmanager
def workers(place: Place, system: System, scenario: str) -> Iterator[list[Worker]]:
    processes = place.start(system, scenario) if scenario else []
    try:
        yield processes
    except AssertionError as error:
        raise AssertionError(f"{error}\n" + "\n".join(process.log()[-2_000:] for process in processes)) from None
    finally:
        for process in processes:
            process.kill()


def _done(place: Place) -> int:
    return int(place.counters.get(bodies.DONE) or 0)


def _wait_for(place: Place, count: int) -> None:
    ends = time.monotonic() + PATIENCE
    while _done(place) < count:
        assert time.monotonic() < ends, f"{_done(place)} of {count} jobs were done"
        time.sleep(0.003)


def _wait_for_ledger(place: Place, system: System) -> None:
    import psycopg

    with psycopg.connect(place.url(system), autocommit=True) as connection:
        statement = "SELECT count(*) FROM deferapp_execution WHERE state <> 'succeeded'"
        wait_until(lambda: connection.execute(statement).fetchone() == (0,), PATIENCE, "all ends are recorded")


def _machine() -> str:
    from importlib.metadata import version

    packages = ", ".join(f"{name} {version(name)}" for name in ("django", "celery", "redis", "psycopg"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.platform()}, Python {platform.python_version()}, "
        f"{packages}; load {load:.1f}"
    )
