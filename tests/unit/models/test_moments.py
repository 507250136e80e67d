"""Moments in the database mean the same under every `USE_TZ` and `TIME_ZONE`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F, Max, Min
from django.test import override_settings

from deferapp.clock import now, ordered_now
from deferapp.fields import DatabaseNow
from deferapp.models import Execution, Worker
from tests.unit.rows import make_execution, make_worker

NEW_YORK = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)

# 01:30 comes twice on this night in New York; 02:30 never comes on that of March.
MOMENTS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 6, 30, tzinfo=UTC),
    datetime(2026, 3, 8, 7, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 4, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 6, 30, 0, 1, tzinfo=UTC),
    datetime(2999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


@pytest.fixture(params=product([True, False], ["UTC", "America/New_York", "Asia/Kolkata"]), ids=lambda pair: f"{pair}")
def zone(request: pytest.FixtureRequest, db: None) -> Iterator[None]:
    use_tz, name = request.param
    with override_settings(USE_TZ=use_tz, TIME_ZONE=name):
        yield


def stored(moment: datetime) -> Worker:
    return make_worker(heartbeat_at=moment)


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_moment_comes_back_as_it_was_in_utc(moment: datetime) -> None:
    worker = stored(moment)
    read = [
        Worker.objects.get(pk=worker.pk).heartbeat_at,
        Worker.objects.values_list("heartbeat_at", flat=True).get(),
        Worker.objects.aggregate(latest=Max("heartbeat_at"))["latest"],
        Worker.objects.annotate(same=F("heartbeat_at")).get().same,
    ]
    assert read == [moment] * 4
    assert {each.tzinfo for each in read} == {UTC}


@pytest.mark.usefixtures("zone")
def test_moments_are_ordered_and_compared_as_they_follow_each_other() -> None:
    for moment in reversed(MOMENTS):
        stored(moment)
    rows = Worker.objects.all()
    assert list(rows.order_by("heartbeat_at").values_list("heartbeat_at", flat=True)) == MOMENTS
    assert (rows.aggregate(first=Min("heartbeat_at"))["first"]) == MOMENTS[0]
    for index, moment in enumerate(MOMENTS):
        assert rows.filter(heartbeat_at__lt=moment).count() == index
        assert rows.filter(heartbeat_at__lte=moment).count() == index + 1
        assert rows.get(heartbeat_at=moment).heartbeat_at == moment
    assert rows.filter(heartbeat_at__in=MOMENTS[3:6]).count() == 3
    assert rows.filter(heartbeat_at__range=(MOMENTS[4], MOMENTS[5])).count() == 2


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("zone_of_value", [NEW_YORK, timezone(5 * HOUR)], ids=str)
def test_a_moment_given_in_another_zone_is_the_same_moment(zone_of_value: Any) -> None:
    for moment in MOMENTS[3:6]:
        worker = stored(moment.astimezone(zone_of_value))
        assert Worker.objects.get(pk=worker.pk).heartbeat_at == moment
        assert Worker.objects.filter(heartbeat_at=moment.astimezone(zone_of_value)).count() == 1


@pytest.mark.usefixtures("zone")
def test_a_moment_is_copied_and_moved_inside_the_database() -> None:
    execution = make_execution(due_at=MOMENTS[4], dispatch_at=None)
    Execution.objects.update(dispatch_at=F("due_at"))
    execution.refresh_from_db()
    assert execution.dispatch_at == MOMENTS[4]
    Execution.objects.bulk_update([Execution(pk=execution.pk, due_at=MOMENTS[5])], ["due_at"])
    execution.refresh_from_db()
    assert execution.due_at == MOMENTS[5]


@pytest.mark.usefixtures("zone")
def test_the_clock_of_the_database_is_now_and_can_be_reckoned_with() -> None:
    worker = make_worker(heartbeat_at=DatabaseNow())
    worker.refresh_from_db()
    assert abs(worker.heartbeat_at - now()) < HOUR / 2
    rows = Worker.objects.filter(pk=worker.pk)
    assert rows.filter(heartbeat_at__gt=DatabaseNow() - HOUR).exists()
    assert not rows.filter(heartbeat_at__lt=DatabaseNow() - HOUR).exists()
    rows.update(heartbeat_at=DatabaseNow() - HOUR)
    worker.refresh_from_db()
    assert HOUR / 2 < now() - worker.heartbeat_at < 3 * HOUR / 2
    assert rows.filter(heartbeat_at__lt=DatabaseNow() - HOUR / 2).exists()


@pytest.mark.usefixtures("zone")
def test_no_moment_is_none() -> None:
    assert Execution.objects.get(pk=make_execution(dispatch_at=None).pk).dispatch_at is None
    assert Execution.objects.filter(dispatch_at__isnull=True).count() == 1


@pytest.mark.usefixtures("zone")
def test_a_moment_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 11, 1, 1, 30)  # noqa: DTZ001
    with pytest.raises(ValueError, match=r"heartbeat_at: .* has no time zone"):
        stored(naive)
    with pytest.raises(ValueError, match="has no time zone"):
        Worker.objects.filter(heartbeat_at__lt=naive).exists()
    with pytest.raises(ValueError, match="has no time zone"):
        Worker.objects.update(heartbeat_at=naive)


def test_the_ordered_clock_never_repeats_itself_nor_runs_back() -> None:
    moments = [ordered_now() for _ in range(10_000)]
    assert moments == sorted(set(moments))
    assert moments[0].tzinfo is UTC
    assert abs(moments[-1] - now()) < timedelta(minutes=1)
