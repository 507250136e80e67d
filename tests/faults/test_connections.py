"""The connections between workers and their database and broker are cut, stall, and lose answers, one by one."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.faults.drain import Drain
from tests.faults.wires import Wires, broken, through, wait, wired
from tests.processes import Process, Project, ProjectMaker
from tests.waiting import wait_until

# One group, so that the workers are started once.
pytestmark = pytest.mark.xdist_group("connections of workers")

BEGUN = 40
FAULT_SECONDS = 9.0
LONG_SECONDS = 22.0  # more than the 15 after which a silent worker is taken for dead
AGAIN_SECONDS = 30.0

CLAIM = b'"attempt" = ("deferapp_execution"."attempt" + 1)'
SETTLEMENT = b"WITH changed AS"
INSERT = b'INSERT INTO "deferapp_execution"'


@dataclass(frozen=True, kw_only=True)
class Site:
    """Two workers of two processes each, with wires of their own."""

    project: Project
    workers: list[Process]
    wires: list[Wires]

    def attempts_of(self, worker: int) -> int:
        """How many attempts this worker has recorded."""
        row = self.project.query(
            "SELECT count(*) FROM deferapp_attempt WHERE worker LIKE %s", f"{self.workers[worker].name}@%"
        )
        return int(row[0][0])

    def assert_that_it_works(self, worker: int) -> None:
        """Enqueue until this worker has run something."""
        before = self.attempts_of(worker)

        def has_run() -> bool:
            self.project.python("from tests.shop.defer.add import add\nfor number in range(8): add(number, 1)")
            return self.attempts_of(worker) > before

        wait_until(has_run, AGAIN_SECONDS, f"{self.workers[worker].name} works")


@pytest.fixture(scope="module")
def site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with contextlib.ExitStack() as stack:
        project = stack.enter_context(make_project(tmp_path_factory.mktemp("connections")))
        wires = [stack.enter_context(wired(project)) for _ in range(2)]
        workers = []
        for each in wires:
            with through(project, each):
                workers.append(project.worker())
        yield Site(project=project, workers=workers, wires=wires)
        for process in reversed(workers):
            process.kill()


@pytest.fixture(autouse=True)
def sound(site: Site) -> Iterator[None]:
    yield
    for wires in site.wires:
        wires.repair()


@pytest.mark.parametrize("server", ["database", "broker"])
@pytest.mark.parametrize("fault", ["cut", "stalled", "stalled on the way there", "stalled on the way back"])
def test_a_worker_with_a_broken_connection_loses_nothing_and_goes_on_when_it_is_back(
    site: Site, server: str, fault: str
) -> None:
    drain = Drain(site.project)
    drain.begin(BEGUN)
    with broken(fault, site.wires[0].of(server)):
        wait(FAULT_SECONDS)
    drain.wait_for_end()
    drain.assert_exact()
    site.assert_that_it_works(0)


def test_after_a_stall_of_the_whole_database_nobody_who_lives_is_taken_for_dead(site: Site) -> None:
    drain = Drain(site.project)
    drain.begin(BEGUN)
    with broken("stalled", *(wires.database for wires in site.wires)):
        wait(LONG_SECONDS)
    drain.wait_for_end()
    drain.assert_exact()


def test_a_worker_whose_connection_stalls_for_too_long_is_succeeded_and_settles_nothing_when_it_comes_back(
    site: Site,
) -> None:
    drain = Drain(site.project)
    drain.begin(BEGUN)
    with broken("stalled", site.wires[0].database):
        drain.wait_for_end()
        drain.assert_once_an_attempt()
    site.assert_that_it_works(0)
    drain.assert_once_an_attempt()


def test_answers_of_settlements_that_are_lost_count_no_attempt_twice(site: Site) -> None:
    drain = Drain(site.project, 300)
    for wires in site.wires:
        wires.database.lose_answers(SETTLEMENT, every=5)
    drain.begin(300)
    drain.wait_for_end()
    assert sum(wires.database.answers_lost for wires in site.wires) > 20
    drain.assert_exact()


def test_answers_of_claims_that_are_lost_leave_no_execution_behind(site: Site) -> None:
    drain = Drain(site.project)
    for wires in site.wires:
        wires.database.lose_answers(CLAIM, every=2)
    drain.begin(200)
    drain.wait_for_end()
    assert sum(wires.database.answers_lost for wires in site.wires) >= 4
    drain.assert_exact()


@pytest.mark.parametrize("parent", ["mail_all", "mail_all_sync"])
def test_answers_of_enqueues_that_are_lost_make_no_child_twice(site: Site, parent: str) -> None:
    project, begun = site.project, len(site.project.witness.lines("mail"))
    for wires in site.wires:
        wires.database.lose_answers(INSERT, every=2, most=4)
    project.python(f"from tests.shop.defer.{parent} import {parent}\n{parent}.enqueue(200, -1, '')")
    project.wait_for_states(parent, 60, succeeded=1)
    wait_until(lambda: len(project.witness.lines("mail")) - begun >= 200, 60, "all children run")
    assert Counter(project.witness.lines("mail")[begun:]) == Counter(f"mail {number}" for number in range(200))


def test_slow_connections_cost_time_and_nothing_else(site: Site) -> None:
    drain = Drain(site.project, 60)
    for wires in site.wires:
        wires.database.delay(0.03)
        wires.broker.delay(0.03)
    drain.begin(60)
    drain.wait_for_end()
    drain.assert_exact()


def test_an_execution_in_a_worker_looks_whether_the_machine_of_the_database_is_there(site: Site) -> None:
    site.project.python("from tests.shop.defer.keepalive import keepalive\nkeepalive()")
    site.project.wait_for_states("keepalive", 30, succeeded=1)
    assert site.project.results("keepalive") == [[5, 30]]
