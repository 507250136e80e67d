"""The nights on which clocks are put back and forward, in a project that keeps wall-clock time (`USE_TZ = False`)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.faults.conftest import SayFigure
from tests.faults.crons import ALL, Crons
from tests.processes import Project

NEW_YORK = "America/New_York"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def latest_change(*, is_autumn: bool) -> datetime:
    """The beginning, in UTC, of the latest day on which New York's clocks were put back, or forward."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - 2 * DAY
    while not _change(day) or (_change(day) < timedelta()) is not is_autumn:
        day -= DAY
    return day


def _change(day: datetime) -> timedelta:
    before, after = (each.astimezone(ZoneInfo(NEW_YORK)).utcoffset() for each in (day, day + DAY))
    assert before is not None
    assert after is not None
    return after - before


def rung(project: Project, day: datetime) -> list[datetime]:
    """When a beat of this project would ring in the day, as its own entry for our row says."""
    printed = project.python(
        "import json\n"
        "from datetime import UTC, datetime, timedelta\n"
        "from celery import current_app\n"
        "from django_celery_beat.models import PeriodicTask\n"
        "from django_celery_beat.schedulers import ModelEntry\n"
        f"task = PeriodicTask.objects.get(name='deferapp: tests.crons.defer.{ALL}')\n"
        "schedule = ModelEntry(task, app=current_app).schedule\n"
        f"after = datetime.fromisoformat('{day.isoformat()}') - timedelta(minutes=1)\n"
        "rings = []\n"
        "for _ in range(24):\n"
        "    last, delta, _now = schedule.remaining_delta(after)\n"
        "    after = (last + delta).astimezone(UTC)\n"
        "    rings.append(after.isoformat())\n"
        "print(json.dumps(rings))\n"
    )
    return [datetime.fromisoformat(text) for text in json.loads(printed)]


def read(project: Project) -> list[datetime]:
    """The due moments as the project reads them."""
    printed = project.python(
        "import json\n"
        "from deferapp.models import DueMoment\n"
        "print(json.dumps([each.due_at.isoformat() for each in DueMoment.objects.order_by('due_at')]))\n"
    )
    return [datetime.fromisoformat(text) for text in json.loads(printed)]


@pytest.mark.parametrize("season", ["autumn", "spring"])
def test_every_hour_of_a_day_runs_also_where_the_clocks_change(
    project: Project, figure: SayFigure, season: str
) -> None:
    crons, day = Crons(project, TIME_ZONE=NEW_YORK, USE_TZ=False), latest_change(is_autumn=season == "autumn")
    project.variables["CRONS"] = json.dumps({ALL: f"0 * {day.day} {day.month} *"})
    project.worker()
    crons.wait_until_known()
    crons.let_be_due(day, ALL)
    crons.wait_for_runs(24, ALL)
    hours = [day + number * HOUR for number in range(24)]
    assert crons.fired(ALL) == hours
    assert crons.lost_and_twice(ALL) == ([], [])
    assert read(project) == hours
    assert rung(project, day) == hours
    on_the_wall = len({hour.astimezone(ZoneInfo(NEW_YORK)).replace(tzinfo=None, fold=0) for hour in hours})
    assert on_the_wall == (23 if season == "autumn" else 24)
    figure("clock change", f"{season}: {crons.runs(ALL).total()} of 24")
