"""What Sentry is told, as its own client sends it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import sentry_sdk
from django.dispatch import Signal
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

from deferapp import GiveUp, defer, signals
from deferapp.alerts import life as alerts
from deferapp.clock import now
from deferapp.executions import life, watchers
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.models import AlertKind, DueMoment, Execution, Schedule
from deferapp.schedules.tick import tick
from deferapp.tallies import fold
from deferapp.watching.sentry import DeferIntegration, slug
from deferapp.workers import presence
from tests.unit.queue import MemoryQueue
from tests.unit.retry.running import run_attempt
from tests.unit.rows import MINUTE

pytestmark = pytest.mark.django_db(transaction=True)


class Collecting(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.items += [item.payload.json for item in envelope.items if item.payload.json]

    def events(self) -> list[dict[str, Any]]:
        return [item for item in self.items if item.get("type") not in {"check_in", "transaction"}]

    def check_ins(self) -> list[dict[str, Any]]:
        return [item for item in self.items if item.get("type") == "check_in"]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Collecting]]:
    """Initialise Sentry; at the end nothing of it is left."""
    monkeypatch.setattr(watchers, "bodies", [])
    heard = {signal: list(signal.receivers) for signal in vars(signals).values() if isinstance(signal, Signal)}

    def start(**options: Any) -> Collecting:
        transport = Collecting()
        DeferIntegration.setup_once()  # Sentry calls it once in a process.
        sentry_sdk.init(
            dsn="https://key@sentry.invalid/1",
            transport=transport,
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[LoggingIntegration(), DeferIntegration(**options)],
        )
        monkeypatch.setattr(watchers, "bodies", watchers.bodies[-1:])
        return transport

    yield start
    sentry_sdk.get_global_scope().set_client(None)
    for signal, receivers in heard.items():
        signal.receivers[:] = receivers
        signal.sender_receivers_cache.clear()


@pytest.fixture
def sentry(start: Callable[..., Collecting]) -> Collecting:
    return start()


@pytest.fixture(autouse=True)
def _own_registry_and_worker(empty_registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_mine", None)


def compute(number: int) -> int:
    sentry_sdk.add_breadcrumb(message=f"computing {number}")
    if number < 0:
        raise ValueError("negative")
    return number


async def compute_async(number: int) -> int:
    return compute(number)


@pytest.mark.parametrize("plain", [compute, compute_async])
def test_what_a_function_raised_is_told_with_tags_when_no_attempt_follows(plain: Any, sentry: Collecting) -> None:
    function = defer(plain, retry=1)
    execution = function.enqueue(-1)
    sentry_sdk.add_breadcrumb(message="of the process")
    run_attempt(function, execution)
    assert sentry.events() == []
    run_attempt(function, execution)
    (event,) = sentry.events()
    (raised,) = event["exception"]["values"]
    assert (raised["type"], raised["value"]) == ("ValueError", "negative")
    assert raised["mechanism"] == {"type": "deferapp", "handled": False}
    assert raised["stacktrace"]["frames"][-1]["function"] == "compute"
    assert event["tags"] == {
        "deferapp.function": function.name,
        "deferapp.execution_id": str(execution.id),
        "deferapp.attempt": 2,
    }
    assert event["transaction"] == function.name
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == ["computing -1"]


def test_an_execution_that_succeeds_is_no_event(sentry: Collecting) -> None:
    function = defer(compute)
    run_attempt(function, function.enqueue(1))
    assert sentry.events() == []


def test_of_a_child_the_parent_is_named(sentry: Collecting) -> None:
    function, parent = defer(compute, retry=0), uuid4()
    execution = function.enqueue(-1)
    Execution.objects.filter(pk=execution.pk).update(parent_id=parent)
    run_attempt(function, execution)
    assert sentry.events()[0]["tags"]["deferapp.parent_id"] == str(parent)


def test_an_execution_whose_process_has_died_is_told_by_its_reason(sentry: Collecting) -> None:
    function = defer(compute, retry=0)
    execution = function.enqueue(1)
    (held,) = life.claim(function, [execution.pk], claim=uuid4(), worker_id=1, most=1)
    life.settle([Ending(execution=held, started_at=now(), ended_at=now(), failure=failure.LOST)], worker="w")
    (event,) = sentry.events()
    assert event["message"] == f"{function.name}: The worker died while it ran this attempt."
    assert event["fingerprint"] == [function.name, "ER0004"]
    assert event["tags"]["deferapp.execution_id"] == str(execution.id)


def test_a_failure_is_told_once_and_not_again_by_its_alert(sentry: Collecting) -> None:
    function = defer(compute, retry=0)
    for _ in range(2):
        run_attempt(function, function.enqueue(-1))
    fold.fold()
    assert [each["exception"]["values"][0]["type"] for each in sentry.events()] == ["ValueError"] * 2


def test_an_alert_of_another_kind_is_told_once(sentry: Collecting) -> None:
    alerts.open_alert(AlertKind.BEAT_SILENT, "Start beat.")
    alerts.open_alert(AlertKind.BEAT_SILENT, "Start beat.")
    (event,) = sentry.events()
    assert event["message"].endswith("Start beat.")
    assert event["tags"] == {"deferapp.alert": "beat_silent"}


class Large:
    """Something that a body has in its hands when it fails."""


in_hand: list[weakref.ref[Large]] = []


def hold() -> None:
    large = Large()
    in_hand.append(weakref.ref(large))
    raise LookupError


def test_the_frames_of_a_body_are_not_kept_when_an_attempt_follows(sentry: Collecting) -> None:
    function = defer(hold, retry=1)
    execution = function.enqueue()
    gc.disable()
    try:
        run_attempt(function, execution)
    finally:
        gc.enable()
    assert in_hand.pop()() is None


def test_where_sentry_was_not_initialised_with_it_nothing_is_told(sentry: Collecting) -> None:
    sentry_sdk.init(dsn="https://key@sentry.invalid/1", transport=sentry, default_integrations=False)
    function = defer(compute, retry=0)
    run_attempt(function, function.enqueue(-1))
    assert sentry.items == []


def sweep() -> None:
    if Schedule.objects.filter(catch_up="none").exists():
        raise GiveUp("no")


def fired(frequency: str = "*/5 * * * *") -> tuple[Any, Execution]:
    """A scheduled function, and what its schedule has fired."""
    function = defer.cron(sweep, frequency)
    due_at = now() - MINUTE
    Schedule.objects.create(
        function=function.name, declared_frequency=frequency, frequency=frequency, next_due_at=due_at
    )
    tick()
    return function, Execution.objects.get(function=function.name)


@pytest.mark.parametrize("succeeds", [True, False])
def test_what_a_schedule_fires_checks_in_and_out_by_the_id_of_the_execution(
    start: Callable[..., Collecting], queue: MemoryQueue, succeeds: bool
) -> None:
    sentry = start(monitor_schedules=True)
    function, execution = fired("@daily")
    if not succeeds:
        Schedule.objects.update(catch_up="none")
    run_attempt(function, execution)
    begun, ended = sentry.check_ins()
    assert [begun["status"], ended["status"]] == ["in_progress", "ok" if succeeds else "error"]
    assert begun["check_in_id"] == ended["check_in_id"] == execution.id.hex
    assert begun["monitor_slug"] == slug(function.name) == "tests-unit-watching-test_sentry-sweep"
    assert begun["monitor_config"] == {
        "schedule": {"type": "crontab", "value": "0 0 * * *"},
        "timezone": "UTC",
        "checkin_margin": 5,
        "max_runtime": 30,
    }


def test_what_is_run_by_hand_and_other_functions_check_in_nowhere(start: Callable[..., Collecting]) -> None:
    sentry = start(monitor_schedules=True)
    function, background = defer.cron(sweep, "0 0 * * *"), defer(compute)
    for each, execution in ((function, function.run_now()), (background, background.enqueue(1))):
        run_attempt(each, execution)
    assert not DueMoment.objects.exists()
    assert sentry.check_ins() == []


def test_schedules_are_no_monitors_unless_that_is_asked_for(sentry: Collecting, queue: MemoryQueue) -> None:
    function, execution = fired()
    run_attempt(function, execution)
    assert sentry.check_ins() == []
