"""Crons rung by a real beat, in a project whose time zone is not UTC: slow, since cron knows nothing below a minute."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.processes import Project, ProjectMaker
from tests.waiting import wait_until

# One group runs in one of xdist's workers, so that the minutes are waited for once.
pytestmark = pytest.mark.xdist_group("clock")

NEW_YORK = "America/New_York"
MINUTES = 3
# After the last minute, for a second execution to show itself if there were one.
AFTERWARDS = timedelta(seconds=12)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a project did in some whole minutes."""

    project: Project
    minutes: list[datetime]  # their beginnings, in UTC

    @property
    def once_each(self) -> Counter[str]:
        return Counter(f"{minute:%H:%M}" for minute in self.minutes)

    def seen(self, function: str) -> Counter[str]:
        """Count what the witness saw of a function by hour and minute, from the first of the minutes on."""
        times = [line.split()[1] for line in self.project.witness.lines(f"{function} ")]
        return Counter(time for time in times if time != f"{self.minutes[0] - timedelta(minutes=1):%H:%M}")


@pytest.fixture(scope="module")
def runs(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Run]]:
    """Projects with one beat and with two, which have lived through the same three minutes."""
    with contextlib.ExitStack() as stack:
        projects = {
            beats: stack.enter_context(
                make_project(tmp_path_factory.mktemp(f"beats{beats}"), TIME_ZONE=NEW_YORK, EXTRA_APPS=["tests.clock"])
            )
            for beats in (1, 2)
        }
        for beats, project in projects.items():
            _start(project, beats)
        minutes = _minutes_from(datetime.now(UTC))
        end = minutes[-1] + AFTERWARDS
        wait_until(lambda: datetime.now(UTC) > end, 60 * (MINUTES + 1) + 60, f"it is {end}")
        yield {beats: Run(project=project, minutes=minutes) for beats, project in projects.items()}


def _start(project: Project, beats: int) -> None:
    project.variables["CLOCK_HOURS"] = _this_hour_and_the_next(datetime.now(UTC))
    project.variables["CLOCK_HOURS_ELSEWHERE"] = _this_hour_and_the_next(datetime.now(ZoneInfo(NEW_YORK)))
    # As a deployment does it: here the schedules of the app come into the database.
    project.manage("migrate", "--verbosity=0")
    project.worker()
    for _ in range(beats):
        project.beat()


def _this_hour_and_the_next(moment: datetime) -> str:
    return f"{moment.hour},{(moment.hour + 1) % 24}"


def _minutes_from(moment: datetime) -> list[datetime]:
    first = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return [first + timedelta(minutes=number) for number in range(MINUTES)]


@pytest.mark.parametrize("beats", [1, 2])
def test_an_every_minute_cron_runs_exactly_once_a_minute(runs: dict[int, Run], beats: int) -> None:
    run = runs[beats]
    assert run.seen("every_minute") == run.once_each


@pytest.mark.parametrize("beats", [1, 2])
def test_the_hours_of_a_cron_are_hours_in_utc(runs: dict[int, Run], beats: int) -> None:
    run = runs[beats]
    assert run.seen("every_minute_of_these_hours") == run.once_each
    assert run.seen("every_minute_of_other_hours") == Counter()


@pytest.mark.parametrize("beats", [1, 2])
def test_each_due_moment_is_a_row_at_the_beginning_of_a_minute_with_one_succeeded_execution(
    runs: dict[int, Run], beats: int
) -> None:
    run = runs[beats]
    rows = run.project.query(
        "SELECT moment.due_at, execution.state FROM deferapp_duemoment moment"
        " JOIN deferapp_schedule schedule ON schedule.id = moment.schedule_id"
        " LEFT JOIN deferapp_execution execution ON execution.id = moment.execution_id"
        " WHERE schedule.function = 'tests.clock.defer.every_minute' AND moment.due_at >= %s ORDER BY 1",
        run.minutes[0],
    )
    assert rows == [(minute, "succeeded") for minute in run.minutes]
    assert run.project.query("SELECT count(*) FROM deferapp_execution WHERE state <> 'succeeded'") == [(0,)]


@pytest.mark.parametrize("beats", [1, 2])
def test_every_beat_rings_every_minute(runs: dict[int, Run], beats: int) -> None:
    run = runs[beats]
    logs = [process.log() for process in run.project.processes if process.name.startswith("beat")]
    rings = [log.count("Sending due task") for log in logs]
    assert len(rings) == beats
    assert min(rings) >= MINUTES
