"""Workers of an old release that start during a deployment leave the schedules of the new one as they are."""

from __future__ import annotations

import pytest

from deferapp import defer
from deferapp.functions import registry
from deferapp.models import DeclaredSet, Schedule
from deferapp.schedules.sync import sync

pytestmark = pytest.mark.usefixtures("no_schedules", "no_sets")


@pytest.fixture
def no_sets(db: None) -> None:
    DeclaredSet.objects.all().delete()


def report() -> None: ...


def clean() -> None: ...


def deploy(*, is_meant: bool, report_at: str = "0 8 * * *", has_clean: bool = False) -> None:
    """Let code come that declares this: by `migrate`, or by a worker that starts."""
    registry._functions.clear()
    defer.cron(report, report_at)
    if has_clean:
        defer.cron(clean, "0 4 * * *")
    sync(is_meant=is_meant)


def active() -> dict[str, str]:
    rows = Schedule.objects.filter(is_declared=True)
    return {row.function.rpartition(".")[2]: row.frequency for row in rows}


OLD = {"report": "0 8 * * *"}
NEW = {"report": "0 9 * * *", "clean": "0 4 * * *"}


def deploy_old(*, is_meant: bool) -> None:
    deploy(is_meant=is_meant)


def deploy_new(*, is_meant: bool) -> None:
    deploy(is_meant=is_meant, report_at="0 9 * * *", has_clean=True)


@pytest.mark.parametrize("by_migrate", [True, False])
def test_an_old_worker_that_starts_after_a_deployment_changes_nothing(
    by_migrate: bool, caplog: pytest.LogCaptureFixture
) -> None:
    deploy_old(is_meant=True)
    deploy_new(is_meant=by_migrate)
    before = list(Schedule.objects.order_by("pk").values())
    deploy_old(is_meant=False)
    assert active() == NEW
    assert list(Schedule.objects.order_by("pk").values()) == before
    assert "manage.py migrate" in caplog.text


def test_an_old_worker_does_not_bring_back_what_the_new_code_has_taken_out() -> None:
    deploy_new(is_meant=True)
    deploy_old(is_meant=False)
    assert active() == OLD
    deploy_new(is_meant=False)
    assert active() == OLD


def test_migrating_with_old_code_is_a_way_back() -> None:
    deploy_old(is_meant=True)
    deploy_new(is_meant=True)
    deploy_old(is_meant=True)
    assert active() == OLD
    deploy_new(is_meant=False)
    assert active() == OLD
    deploy_new(is_meant=True)
    assert active() == NEW


def test_a_worker_of_code_never_seen_before_brings_its_schedules() -> None:
    deploy_old(is_meant=False)
    deploy_new(is_meant=False)
    assert active() == NEW


def test_a_worker_of_the_code_in_effect_puts_right_what_is_not_as_declared() -> None:
    deploy_new(is_meant=True)
    Schedule.objects.all().delete()
    deploy_new(is_meant=False)
    assert active() == NEW
    assert DeclaredSet.objects.count() == 1
