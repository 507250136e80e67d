"""Due moments are kept for as long as the calendar shows them, and no backfill may fire them twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.conf import LazySettings

from deferapp.clock import now
from deferapp.executions.ids import new_id
from deferapp.models import DueMoment, Schedule
from deferapp.schedules import prune
from tests.unit.rows import make_execution

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def schedule() -> Schedule:
    return Schedule.objects.create(function="shop.defer.weekly", frequency="0 8 * * 1")


def due(schedule: Schedule, days_ago: float, execution: UUID | None, decided_at: datetime | None = None) -> DueMoment:
    at = now() - days_ago * DAY
    return DueMoment.objects.create(
        schedule=schedule, due_at=at, decided_at=decided_at or at, execution_id=execution, ended_as="succeeded"
    )


def left(schedule: Schedule) -> list[DueMoment]:
    return list(DueMoment.objects.filter(schedule=schedule).order_by("due_at"))


def test_a_due_moment_outlives_its_execution_for_90_days(schedule: Schedule, settings: LazySettings) -> None:
    settings.DEFER = {"RETENTION": "1 day"}
    due(schedule, 91, new_id())
    due(schedule, 92, None)
    kept = due(schedule, 89, new_id())
    prune.prune()
    assert left(schedule) == [kept]


def test_a_due_moment_stays_as_long_as_its_execution(schedule: Schedule) -> None:
    kept = due(schedule, 200, make_execution().pk)
    prune.prune()
    assert left(schedule) == [kept]


def test_one_that_was_backfilled_stays_for_90_days_from_then_on(schedule: Schedule) -> None:
    kept = due(schedule, 200, new_id(), decided_at=now() - DAY)
    prune.prune()
    assert left(schedule) == [kept]


@pytest.mark.parametrize(("retention", "days"), [("1 day", 90), ("365 days", 365)])
def test_what_fired_is_known_for_90_days_or_as_long_as_all_executions_are(
    settings: LazySettings, retention: str, days: int
) -> None:
    settings.DEFER = {"RETENTION": retention}
    moment = now()
    assert prune.known_since(moment) == moment - days * DAY


def test_where_executions_are_kept_for_ever_due_moments_are(schedule: Schedule, settings: LazySettings) -> None:
    settings.DEFER = {"RETENTION": None}
    kept = due(schedule, 2_000, new_id())
    prune.prune()
    assert left(schedule) == [kept]


def test_a_round_takes_the_oldest_and_the_next_goes_on(schedule: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "MOST_AT_ONCE", 2)
    for days in (101, 103, 102):
        due(schedule, days, None)
    prune.prune()
    assert [round((now() - each.due_at) / DAY) for each in left(schedule)] == [101]
    prune.prune()
    assert left(schedule) == []
