"""`bin/test chaos --seed N --minutes M`: cause the faults that the seed says, let them end, wait, count, and judge.

Prints the seed, every fault with its time, what breaks a promise, and one line at the end; the exit code is 0 or 1. The
same seed causes the same faults in the same order; what they meet is never quite the same. A run that has findings
leaves its directory, with the logs of all processes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.chaos import history, verdict
from tests.chaos.faults import End, cause
from tests.chaos.plan import Fault, plan
from tests.chaos.world import World, world
from tests.faults.wires import through
from tests.proc import die_with_parent
from tests.waiting import wait_until

WARM_UP_SECONDS: Final = 10.0
LAST_SECONDS: Final = 300.0
"""What the work that is left may take when the faults are over."""
MOST_SHOWN: Final = 50
OPEN: Final = "SELECT count(*) FROM deferapp_execution WHERE state IN ('created', 'started', 'aborting')"


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    directory = Path(tempfile.mkdtemp(prefix="deferapp-chaos-"))
    faults = plan(options.seed, options.minutes * 60)
    _say(f"chaos: seed {options.seed}, {options.minutes:g} min, {len(faults)} faults, in {directory}")
    with world(directory) as made:
        is_clean = _Run(made, directory, options.seed, faults).play()
    if is_clean:
        shutil.rmtree(directory)
    return 0 if is_clean else 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/test chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="which faults (1)")
    parser.add_argument("--minutes", type=float, default=5.0, help="for how long there are faults (5)")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, flush=True)


class _Run:
    """One run, from its beginning to its judgement."""

    def __init__(self, made: World, directory: Path, seed: int, faults: list[Fault]) -> None:
        self._world = made
        self._directory = directory
        self._acknowledged = directory / "acknowledged.txt"
        self._acknowledged.touch()
        self._seed = seed
        self._faults = faults
        self._began = time.monotonic()

    def play(self) -> bool:
        """True if it ends clean."""
        try:
            for slot in self._world.slots.values():
                slot.start()
            self._world.wait_until_ready()
            self._break_under_load()
            self._world.wait_until_ready()
            is_done = self._wait_for_the_rest()
            return self._judge(is_done)
        finally:
            self._world.close()

    def _break_under_load(self) -> None:
        """Let the load run while the faults come and go."""
        load = self._start_load()
        try:
            self._began = time.monotonic() + WARM_UP_SECONDS
            for at, act in self._timeline():
                self._wait_until(at)
                act()
            load.communicate(timeout=60)
        finally:
            load.kill()
            load.wait()

    def _start_load(self) -> subprocess.Popen[bytes]:
        with through(self._world.project, self._world.load_wires), (self._directory / "load.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.load", str(self._seed), str(self._acknowledged)],
                env=self._world.project.environment(),
                cwd=self._directory,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(9),
            )

    def _timeline(self) -> Iterator[tuple[float, End]]:
        """The beginnings and ends of the faults, in order."""
        ends: list[tuple[float, End]] = []
        for fault in self._faults:
            yield from self._due(ends, fault.at)
            begun: list[End] = []
            yield fault.at, lambda fault=fault, begun=begun: begun.append(self._cause(fault))
            ends.append((fault.at + fault.seconds, lambda begun=begun: begun[0]()))
        yield from self._due(ends, float("inf"))

    @staticmethod
    def _due(ends: list[tuple[float, End]], at: float) -> Iterator[tuple[float, End]]:
        ends.sort(key=lambda end: end[0])
        while ends and ends[0][0] <= at:
            yield ends.pop(0)

    def _cause(self, fault: Fault) -> End:
        self._say_now(str(fault))
        return cause(self._world, fault)

    def _wait_until(self, at: float) -> None:
        """Meanwhile start again what has ended by itself."""

        def is_time() -> bool:
            for slot in self._world.slots.values():
                if ended := slot.revive():
                    self._say_now(ended)
            return self._seconds >= at

        wait_until(is_time, max(0.0, at - self._seconds) + 60, f"it is {at:.1f} s")

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _say_now(self, text: str) -> None:
        _say(f"[{self._seconds:6.1f} s] {text}")

    def _wait_for_the_rest(self) -> bool:
        """Whether all that was enqueued has ended in time."""
        self._say_now("the faults are over")
        try:
            wait_until(lambda: self._world.project.query(OPEN) == [(0,)], LAST_SECONDS, "all has ended")
        except AssertionError:
            return False
        self._say_now("all has ended")
        return True

    def _judge(self, is_done: bool) -> bool:
        seen = history.read(self._world.project, self._acknowledged, self._world.record)
        findings = [*seen.record.ended, *verdict.judge(seen)]
        for finding in findings[:MOST_SHOWN]:
            _say(f"  {finding}")
        attempts = [attempt for execution in seen.executions.values() for attempt in execution.attempts]
        lost = sum(attempt.is_lost for attempt in attempts)
        _say(
            f"chaos: seed {self._seed}: {len(self._faults)} faults; {len(seen.executions)} executions,"
            f" {len(attempts)} attempts, of which {lost} were lost with their worker;"
            f" {len(seen.moments)} due moments;"
            f" {'clean' if is_done and not findings else f'{len(findings)} findings'}"
        )
        return is_done and not findings
