"""Workers that are told to end, and pools whose processes come and go, while they are busy."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.conftest import SayFigure
from tests.faults.labours import PROMISED_SECONDS, Labours, now, recovered_after
from tests.processes import Process, Project
from tests.waiting import wait_until

ENDS_AFTER = 10.0
"""Seconds that a worker has between SIGTERM and SIGKILL."""
AT_ONCE = 10.0
"""Seconds within which others begin what a worker gives back, on a busy machine; some two are expected."""
NOTHING: tuple[list[int], list[int]] = ([], [])


@pytest.mark.parametrize("site", ["Redis", "RabbitMQ"], indirect=True)
def test_a_worker_that_gets_sigterm_ends_what_it_is_in_and_an_idle_one_begins_the_rest_at_once(
    site: Project, request: pytest.FixtureRequest, figure: SayFigure
) -> None:
    idle, old = site.worker("prefork", 2), site.worker("prefork", 4)
    idle.signal(signal.SIGSTOP)  # Until the other has the messages: 16 of them, each of four executions.
    labours = Labours(site, "short", 64, 0.4)
    labours.enqueue()
    wait_until(lambda: set(old.children()) <= _pids(labours), 60, "all its processes work")
    idle.signal(signal.SIGCONT)
    claimed, told_at = labours.held_by(old), now()
    assert old.terminate() == 0
    labours.wait_for_end()

    assert (labours.lost_and_twice(), labours.begun_twice()) == (NOTHING, [])
    others = [each for each in labours.beginnings() if each.number in claimed and each.pid in idle.children()]
    assert others, "nothing was claimed but what had begun"
    seconds = min(each.at for each in others) - told_at
    assert seconds <= AT_ONCE
    assert max(each.at for each in others) - told_at <= PROMISED_SECONDS
    figure(
        "deployment", f"SIGTERM: 0 lost, 0 twice, what was claimed and not begun is taken over after {seconds:.1f} s"
    )


def test_a_body_that_does_not_end_is_killed_after_sigterm_and_nothing_else_runs_twice(
    project: Project, figure: SayFigure
) -> None:
    old, labours = project.worker("prefork", 2), Labours(project, "short", 200, 0.05)
    project.python("from tests.shop.defer.stay import stay\nstay('long')\n" + labours.statements())
    labours.wait_for_effects(20)
    project.worker("prefork", 2)
    old.signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        old.wait(ENDS_AFTER)
    assert old.is_alive, "it waits for the body"
    assert project.witness.lines("long") == ["long begun"]
    old.kill()
    wait_until(lambda: project.witness.counts("long")["long begun"] == 2, PROMISED_SECONDS, "the body begins again")
    Path(f"{project.witness.path}.long").touch()
    labours.wait_for_end()

    assert project.witness.lines("long") == ["long begun", "long begun", "long left"]
    assert (labours.lost_and_twice(), labours.begun_twice()) == (NOTHING, [])
    figure("deployment", "SIGKILL 10 s after SIGTERM: 0 lost, 0 twice but for the one body that had not ended")


def _quit(worker: Process) -> None:
    worker.signal(signal.SIGQUIT)


def _interrupt_twice(worker: Process) -> None:
    worker.signal(signal.SIGINT)
    worker.wait_for_log("Warm shutdown")
    worker.signal(signal.SIGINT)


@pytest.mark.parametrize("tell", [_quit, _interrupt_twice])
def test_a_cold_shutdown_cuts_what_runs_and_nothing_else_runs_twice(
    project: Project, tell: Callable[[Process], None], figure: SayFigure
) -> None:
    old, labours = project.worker("prefork", 2), Labours(project, "long", 32, 1.0)
    pids = set(old.children())
    labours.enqueue()
    wait_until(lambda: pids <= _pids(labours), 60, "all its processes work")
    told_at = datetime.now(UTC)
    tell(old)
    old.wait()
    project.worker("prefork", 4)
    labours.wait_for_end()

    lost, twice = labours.lost_and_twice()
    assert lost == []
    assert set(twice) <= set(labours.begun_twice()) <= labours.last_in(pids)
    seconds = recovered_after(project, told_at)
    assert seconds <= PROMISED_SECONDS
    name = tell.__name__.strip("_").replace("_", " ")
    figure("deployment", f"{name}: 0 lost, {len(twice)} twice, what was cut is recovered after {seconds:.1f} s")


@pytest.mark.parametrize("option", ["--max-tasks-per-child=5", "--max-memory-per-child=1000"])
def test_a_pool_whose_processes_are_replaced_again_and_again_loses_and_repeats_nothing(
    project: Project, option: str, figure: SayFigure
) -> None:
    worker = project.worker("prefork", 4, option)
    first = set(worker.children())
    labours = Labours(project, "single", 48, 0.01)
    labours.enqueue_one_by_one()
    labours.wait_for_end()

    assert (labours.lost_and_twice(), labours.begun_twice()) == (NOTHING, [])
    processes = len(_pids(labours) | first)
    assert processes > 2 * len(first)
    figure("deployment", f"{option}: 0 lost, 0 twice, {processes} processes")


def test_a_pool_that_grows_and_shrinks_under_load_loses_and_repeats_nothing(
    project: Project, figure: SayFigure
) -> None:
    project.variables["AUTOSCALE_KEEPALIVE"] = "1"
    worker = project.worker("prefork", 4, "--autoscale=4,1")
    bursts = [Labours(project, f"burst{number}", 60, 0.05) for number in range(3)]
    for burst in bursts:
        burst.enqueue_one_by_one()
        burst.wait_for_end()
        wait_until(lambda: len(worker.children()) == 1, 60, "the pool has shrunk")

    for burst in bursts:
        assert (burst.lost_and_twice(), burst.begun_twice()) == (NOTHING, [])
    assert worker.log().count("Scaling up") >= len(bursts)
    figure("deployment", f"--autoscale=4,1: 0 lost, 0 twice, shrunk {worker.log().count('Scaling down')} times")


def _pids(labours: Labours) -> set[int]:
    return {beginning.pid for beginning in labours.beginnings()}
