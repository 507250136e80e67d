"""The connections of beat to its broker and to its database are cut and stall, one by one, while schedules ring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.faults.crons import FUNCTIONS, Crons, soon
from tests.faults.wires import Wires, broken, through, wired
from tests.processes import Process, ProjectMaker
from tests.waiting import wait_until

# One group, so that beat is started once.
pytestmark = pytest.mark.xdist_group("connections of beat")

ROUNDS = 7
AGAIN_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Site:
    """A worker with sound connections, and a beat that rings every second."""

    crons: Crons
    beat: Process
    wires: Wires

    @property
    def rings(self) -> int:
        return self.beat.log().count("Sending due task")

    def wait_for_rings(self, count: int) -> None:
        wanted = self.rings + count
        wait_until(lambda: self.rings >= wanted, AGAIN_SECONDS, lambda: f"beat rings again\n{self.beat.log()[-3000:]}")


@pytest.fixture(scope="module")
def site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with make_project(tmp_path_factory.mktemp("beat")) as project, wired(project) as wires:
        crons = Crons(project)
        project.worker()
        crons.wait_until_known()
        crons.ring_every_second()
        with through(project, wires):
            beat = project.beat("--max-interval=1")
        site = Site(crons=crons, beat=beat, wires=wires)
        site.wait_for_rings(2)
        yield site
        beat.kill()


@pytest.mark.parametrize("server", ["database", "broker"])
@pytest.mark.parametrize("fault", ["cut", "stalled", "stalled on the way back"])
def test_each_due_moment_runs_once_while_beat_has_a_broken_connection_and_beat_rings_again_when_it_is_back(
    site: Site, server: str, fault: str
) -> None:
    already = len(site.crons.fired(*FUNCTIONS))
    with broken(fault, site.wires.of(server)):
        site.crons.run_at([soon] * ROUNDS, *FUNCTIONS)
    site.wait_for_rings(2)
    site.crons.run_at([soon], *FUNCTIONS)
    assert len(site.crons.fired(*FUNCTIONS)) == already + (ROUNDS + 1) * len(FUNCTIONS)
    assert site.crons.lost_and_twice(*FUNCTIONS) == ([], [])
