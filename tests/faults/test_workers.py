"""A worker with all its processes is killed, or frozen, while a parent's 500 children run."""

from __future__ import annotations

import signal
from datetime import UTC, datetime

import pytest

from tests.faults.conftest import SayFigure
from tests.faults.labours import PROMISED_SECONDS, Labours, recovered_after
from tests.faults.peril import Peril
from tests.processes import Project
from tests.waiting import wait_until

TOTAL = 500
KILLED_AT = 150
A_CLAIM = '"attempt" + %s'  # in the SQL by which executions are claimed
FROZEN_SECONDS = 20.0  # longer than the silence after which a worker is taken for dead


def _begin(project: Project, seconds: float = 0.02) -> Labours:
    labours = Labours(project, "children", TOTAL, seconds)
    labours.enqueue_by_a_parent()
    labours.wait_for_effects(KILLED_AT)
    return labours


def _assert_nothing_lost(labours: Labours, victims: set[int]) -> list[int]:
    """Return the children that had their effect twice."""
    labours.wait_for_end()
    lost, twice = labours.lost_and_twice()
    assert lost == []
    assert set(twice) <= set(labours.begun_twice()) <= labours.last_in(victims)
    return twice


def _figure(twice: list[int], seconds: float, what: str) -> str:
    return f"0 lost, {len(twice)} twice, recovered after {seconds:.1f} s ({what})"


@pytest.mark.parametrize(
    ("site", "victim"),
    [
        ("Redis", "worker and pool"),
        ("Redis", "worker alone"),
        ("RabbitMQ", "worker and pool"),
        ("SQLite", "worker and pool"),
    ],
    indirect=["site"],
)
def test_a_worker_that_is_killed_and_started_again_loses_nothing(
    site: Project, victim: str, request: pytest.FixtureRequest, figure: SayFigure
) -> None:
    worker = site.worker("prefork", 4)
    pids = set(worker.children())
    labours = _begin(site)
    killed_at = datetime.now(UTC)
    if victim == "worker alone":
        worker.signal(signal.SIGKILL)  # The kernel ends the processes of its pool.
    else:
        worker.kill()
    site.worker("prefork", 4)
    twice = _assert_nothing_lost(labours, pids)
    where = request.node.callspec.params["site"]
    figure("worker killed", _figure(twice, recovered_after(site, killed_at), f"{victim}, {where}"))


@pytest.mark.parametrize(
    ("site", "pool", "host"),
    [
        ("Redis", "prefork", "same host"),
        ("Redis", "threads", "same host"),
        ("RabbitMQ", "prefork", "same host"),
        ("Redis", "prefork", "another host"),
    ],
    indirect=["site"],
)
def test_another_worker_recovers_for_one_that_is_killed_and_not_started_again(
    site: Project, pool: str, host: str, request: pytest.FixtureRequest, figure: SayFigure
) -> None:
    other = site.worker("prefork", 2)
    start = site.worker if host == "same host" else site.worker_elsewhere
    worker = start(pool, 2)
    labours = _begin(site)
    victims = {beginning.pid for beginning in labours.beginnings()} - set(other.children())
    killed_at = datetime.now(UTC)
    worker.kill()
    twice = _assert_nothing_lost(labours, victims)
    seconds = recovered_after(site, killed_at)
    assert seconds <= PROMISED_SECONDS
    where = request.node.callspec.params["site"]
    figure("worker gone", _figure(twice, seconds, f"{pool}, {host}, {where}"))


@pytest.mark.parametrize("function", ["labour", "labour_async"])
def test_a_frozen_worker_is_recovered_from_and_when_it_wakes_it_settles_and_begins_nothing_of_what_it_held(
    project: Project, function: str, figure: SayFigure
) -> None:
    frozen, other = project.worker("prefork", 2), project.worker("prefork", 2)
    labours = Labours(project, "children", 200, 0.02, gate="children")
    labours.enqueue(function)
    wait_until(lambda: _pids(labours) >= {*frozen.children(), *other.children()}, 60, "all processes work")
    pids, frozen_at = set(frozen.children()), datetime.now(UTC)
    frozen.signal_all(signal.SIGSTOP)
    in_bodies = {each.number for each in labours.beginnings() if each.pid in pids}
    labours.open_gate()
    labours.wait_for_end()
    frozen.signal_all(signal.SIGCONT)
    again = Labours(project, "again", 64, 0.1)
    again.enqueue()
    again.wait_for_beginning(lambda each: each.pid in frozen.children())
    again.wait_for_end()

    lost, twice = labours.lost_and_twice()
    assert lost == []
    assert set(twice) <= set(labours.begun_twice()) == in_bodies
    assert (again.lost_and_twice(), again.begun_twice()) == (([], []), [])
    seconds = recovered_after(project, frozen_at)
    assert seconds <= PROMISED_SECONDS
    figure("worker gone", _figure(twice, seconds, f"frozen and woken, {function}"))


def _pids(labours: Labours) -> set[int]:
    return {beginning.pid for beginning in labours.beginnings()}


def test_what_runs_goes_on_and_runs_once_while_only_the_worker_above_it_is_frozen(
    project: Project, figure: SayFigure
) -> None:
    frozen = project.worker("prefork", 1)
    labours = Labours(project, "long", 1, FROZEN_SECONDS)
    labours.enqueue()
    labours.wait_for_beginning(lambda _: True)
    other = project.worker("prefork", 1)
    frozen.signal(signal.SIGSTOP)
    wait_until(lambda: labours.effects(), 90, "the body ends")
    labours.wait_for_end()
    frozen.signal(signal.SIGCONT)

    assert (labours.lost_and_twice(), labours.begun_twice()) == (([], []), [])
    assert "is dead" not in other.log()
    figure("worker gone", f"0 lost, 0 twice (only the worker frozen for {FROZEN_SECONDS:.0f} s, not its pool)")


def test_a_process_that_is_frozen_while_it_holds_a_limit_does_not_hold_up_the_others(project: Project) -> None:
    peril = Peril(project)
    project.worker("prefork", 1)
    peril.put("SIGSTOP", 1, A_CLAIM)
    project.python("from tests.shop.defer.three_at_once import three_at_once\nthree_at_once('first')")
    wait_until(lambda: peril.is_over, 60, "a process is frozen in the middle of its claim")
    project.worker("prefork", 1)
    project.python("from tests.shop.defer.three_at_once import three_at_once\nthree_at_once('second')")
    project.wait_for_states("three_at_once", PROMISED_SECONDS, succeeded=2)
