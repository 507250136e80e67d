"""Schedules when beats are many, dead, frozen or away, and when all that would fire them was down."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults.conftest import SayFigure
from tests.faults.crons import ALL, FUNCTIONS, LATEST, NONE, Crons, hourly, latest_hours, soon
from tests.processes import Process, Project
from tests.waiting import wait_until

ROUNDS = 4
PROCESSES = 2
LATE_SECONDS = 2.0
ALERT_SECONDS = 60.0
BEAT_LIMIT = 3.0


def rings(*beats: Process) -> int:
    return min(beat.log().count("Sending due task") for beat in beats)


def wait_for_rings(count: int, *beats: Process) -> None:
    """Return when each of the beats has rung so often again."""
    before = {beat: rings(beat) for beat in beats}
    for beat in beats:
        wait_until(lambda beat=beat: rings(beat) >= before[beat] + count, 60, f"{beat.name} rings {count} times")


@pytest.mark.parametrize("site", ["Redis", "RabbitMQ"], indirect=True)
def test_two_beats_of_which_one_freezes_and_wakes_run_each_due_moment_once(
    site: Project, request: pytest.FixtureRequest, figure: SayFigure
) -> None:
    crons = Crons(site)
    site.worker()
    crons.wait_until_known()
    crons.ring_every_second()
    beats = [site.beat("--max-interval=1") for _ in range(2)]
    wait_for_rings(1, *beats)
    crons.run_at([soon] * ROUNDS, *FUNCTIONS)
    beats[0].signal(signal.SIGSTOP)
    crons.run_at([soon] * ROUNDS, *FUNCTIONS)
    beats[0].signal(signal.SIGCONT)
    wait_for_rings(2, *beats)
    crons.run_at([soon] * ROUNDS, *FUNCTIONS)
    wait_for_rings(2, *beats)  # for a second run to show itself, if there were one
    fired, (lost, twice) = crons.fired(*FUNCTIONS), crons.lost_and_twice(*FUNCTIONS)
    assert len(fired) == 3 * ROUNDS * len(FUNCTIONS)
    assert (lost, twice) == ([], [])
    where = request.node.callspec.params["site"]
    figure("two beats", f"{len(fired)} due moments, {rings(*beats)} rings of each beat: 1 run each ({where})")


def test_what_came_up_while_beat_and_workers_were_down_runs_as_catch_up_says(
    project: Project, figure: SayFigure
) -> None:
    crons, frequency = Crons(project), hourly()
    project.variables["CRONS"] = json.dumps(dict.fromkeys(FUNCTIONS, frequency))
    processes = [project.worker(), project.beat()]
    crons.wait_until_known()
    for process in processes:
        process.kill()
    missed = latest_hours(frequency, 3)
    crons.let_be_due(missed[0], *FUNCTIONS)
    crons.let_beat_be_late()
    project.worker()
    wait_for_rings(1, project.beat())
    crons.wait_for_runs(4, *FUNCTIONS)
    wait_until(lambda: len(crons.moments(*FUNCTIONS)) == 9, 60, "nine due moments have been decided")
    assert {name: crons.fired(name) for name in FUNCTIONS} == {LATEST: missed[2:], ALL: missed, NONE: []}
    assert crons.lost_and_twice(*FUNCTIONS) == ([], [])
    runs = [f"`{name.removeprefix('catch_')}`: {crons.runs(name).total()}" for name in FUNCTIONS]
    figure("beat down", f"runs of 3 missed due moments: {', '.join(runs)}")


def test_without_beat_each_due_moment_runs_on_time_and_there_is_one_alert(project: Project, figure: SayFigure) -> None:
    crons = Crons(project, DEFER={"BEAT_LIMIT": BEAT_LIMIT})
    workers = [project.worker(concurrency=1) for _ in range(2)]
    crons.wait_until_known()
    crons.run_at([soon] * ROUNDS, ALL)
    wait_until(lambda: alerts(project), ALERT_SECONDS, "there is an alert")
    housekeeper(project, workers).kill()
    crons.run_at([soon] * ROUNDS, ALL)
    project.worker(concurrency=1)
    crons.run_at([soon] * ROUNDS, ALL)
    late = crons.lateness(ALL)
    assert len(late) == 3 * ROUNDS
    assert crons.lost_and_twice(ALL) == ([], [])
    assert max(late.values()) <= LATE_SECONDS
    assert (alerts(project), told(project)) == ([("beat_silent", True)], ["alerted beat_silent"])
    figure("no beat", f"each of {len(late)} due moments ran, {max(late.values()):.1f} s late at most; 1 alert")

    crons.ring_every_second()
    project.beat("--max-interval=1")
    wait_until(lambda: alerts(project) == [("beat_silent", False)], ALERT_SECONDS, "the alert is over")
    wait_until(lambda: len(told(project)) == 2, ALERT_SECONDS, "the alert is told to be over")
    crons.run_at([soon], ALL)
    assert told(project) == ["alerted beat_silent", "recovered beat_silent"]


def alerts(project: Project) -> list[tuple[str, bool]]:
    """The kind of each alert, and whether it is open."""
    return project.query("SELECT kind, closed_at IS NULL FROM deferapp_alert ORDER BY id")  # type: ignore[return-value]


def told(project: Project) -> list[str]:
    return project.witness.lines("alerted ") + project.witness.lines("recovered ")


def housekeeper(project: Project, workers: list[Process]) -> Process:
    """Which of the workers keeps house."""
    ((process,),) = project.query(
        "SELECT worker.process FROM deferapp_housekeeping house JOIN deferapp_worker worker ON worker.id = worker_id"
    )
    return next(worker for worker in workers if worker.pid == int(process.partition(":")[0]))


def test_a_beat_killed_right_after_it_has_sent_rings_again_and_each_due_moment_runs_once(
    project: Project, figure: SayFigure
) -> None:
    crons = Crons(project)
    project.variables["CRONS"] = json.dumps({LATEST: hourly()})
    worker = project.worker()
    crons.wait_until_known()
    crons.let_beat_be_late()
    with crons.beat_unable_to_note_its_rings():
        for _ in range(2):
            crons.let_be_due(soon(), LATEST)
            kill_when_it_sends(project.beat())
            kill_when_it_is_received(project.beat(), worker)
    wait_for_rings(1, project.beat())
    crons.wait_for_runs(2, LATEST)
    sent = sum(rings(beat) for beat in project.processes if beat.name.startswith("beat"))
    assert sent == 5
    assert received(worker) >= 3
    assert len(crons.fired(LATEST)) == 2
    assert crons.lost_and_twice(LATEST) == ([], [])
    figure("beat killed", f"2 due moments, {sent} rings of 4 killed beats and 1 that lives: 1 run each")


def kill_when_it_sends(beat: Process) -> None:
    beat.wait_for_log("Sending due task")
    beat.kill()


def kill_when_it_is_received(beat: Process, worker: Process) -> None:
    before = received(worker)
    wait_until(lambda: received(worker) > before, 60, "a ring has reached the worker")
    beat.kill()


def received(worker: Process) -> int:
    return worker.log().count("Task deferapp.tick[")


def test_a_ring_is_heard_while_every_process_of_the_worker_is_busy(project: Project) -> None:
    crons = Crons(project)
    project.worker(concurrency=1)
    crons.wait_until_known()
    crons.ring_every_second()
    project.python("from tests.shop.defer.stay import stay\nstay('busy')")
    wait_until(lambda: project.witness.lines("busy begun"), 60, "the only process is busy")
    project.beat("--max-interval=1")
    heard = "SELECT rung_at IS NOT NULL FROM deferapp_housekeeping"
    wait_until(lambda: project.query(heard) == [(True,)], 60, "the ring is heard")
    crons.let_be_due(soon(), ALL)
    wait_until(lambda: crons.fired(ALL), 60, "the schedule fires")
    assert project.query("SELECT ring_owed_since FROM deferapp_housekeeping") == [(None,)]
    assert not project.witness.lines("busy left")
    Path(f"{project.witness.path}.busy").touch()
    crons.wait_for_runs(1, ALL)
    assert alerts(project) == []


def test_workers_killed_while_they_catch_up_fire_each_of_very_many_moments_once(project: Project) -> None:
    crons, count = Crons(project), 1_500
    project.variables["CRONS"] = json.dumps({ALL: "* * * * *"})
    worker = project.worker()
    crons.wait_until_known()
    first = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=count - 1)
    crons.let_be_due(first, ALL)
    wait_until(lambda: crons.fired(ALL), 60, "the first moments have fired")
    worker.kill()
    project.worker()
    wait_until(lambda: len(crons.fired(ALL)) >= count and not crons.lost_and_twice(ALL)[0], 240, "all have run")
    fired, (_, twice) = crons.fired(ALL), crons.lost_and_twice(ALL)
    assert fired == [first + number * timedelta(minutes=1) for number in range(len(fired))]
    assert len(twice) <= PROCESSES  # a body that was cut runs again
