"""The alert that work waits for too long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings

from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import Alert, Execution, PausedFunction
from deferapp.workers.alarms import queues
from deferapp.workers.alarms.queues import Queues
from tests.unit.rows import MINUTE, function_named, make_execution

pytestmark = pytest.mark.django_db

NAMES = ("shop.defer.mail", "shop.defer.other")


@pytest.fixture(autouse=True)
def functions(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    monkeypatch.setattr(registry, "_functions", {name: function_named(name) for name in NAMES})
    monkeypatch.setattr(queues, "_queue_of", lambda name: "slow" if "other" in name else "default")
    settings.DEFER = {"QUEUE_LIMIT": 600}


def watch() -> list[str]:
    """The queues that are told of when it is looked at."""
    Queues().watch()
    return sorted(Alert.objects.filter(closed_at=None).values_list("subject", flat=True))


def wait_for(minutes: float, function: str = NAMES[0], **fields: object) -> Execution:
    return make_execution(function, **{"due_at": now() - minutes * MINUTE, **fields})


def test_a_queue_whose_oldest_waits_for_too_long_is_told_and_others_are_not() -> None:
    wait_for(9)
    assert watch() == []
    wait_for(11)
    wait_for(12)
    assert watch() == ["default"]
    text = Alert.objects.get().text
    assert "2 executions of shop.defer.mail wait" in text
    assert f"{now() - 12 * MINUTE:%Y-%m-%d %H:%M}" in text


def test_it_is_over_when_the_oldest_is_younger() -> None:
    old = wait_for(11)
    watch()
    watch()
    assert Alert.objects.count() == 1
    old.delete()
    assert watch() == []


def test_each_queue_is_told_of_by_itself() -> None:
    wait_for(11)
    wait_for(20, NAMES[1])
    assert watch() == ["default", "slow"]


@pytest.mark.parametrize(
    "hold",
    [
        pytest.param(lambda: wait_for(-60), id="not due"),
        pytest.param(lambda: wait_for(20, state=State.STARTED), id="running"),
        pytest.param(lambda: wait_for(20, "shop.defer.gone"), id="of no function"),
        pytest.param(
            lambda: (wait_for(20), PausedFunction.objects.create(function=NAMES[0], paused_at=now())), id="paused"
        ),
    ],
)
def test_what_does_not_wait_for_a_worker_is_not_told(hold: Callable[[], object]) -> None:
    hold()
    assert watch() == []


def test_a_limit_of_zero_is_none(settings: LazySettings) -> None:
    wait_for(20)
    watch()
    settings.DEFER = {"QUEUE_LIMIT": 0}
    assert watch() == []


def test_it_is_looked_at_now_and_then_only(django_assert_num_queries: Callable[[int], object]) -> None:
    several = Queues()
    several.watch()
    with django_assert_num_queries(0):
        several.watch()


def test_many_are_counted_up_to_what_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "LOOKED_AT", 3)
    for _ in range(5):
        wait_for(11)
    watch()
    assert "3+ executions" in Alert.objects.get().text


def test_the_queue_is_that_of_celerys_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert queues._queue_of("shop.defer.mail") == "celery"
    assert timedelta(seconds=queues.INTERVAL) < MINUTE
