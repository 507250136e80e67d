"""A month of a busy shop: what the pages look like when there is something to see. For tests and for pictures."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

from deferapp.alerts import life
from deferapp.executions.states import State
from deferapp.models import AlertKind, DeployMark, DueMoment, Execution, Housekeeping, Schedule
from tests.unit.dashboard.rows import End, error_group, tally
from tests.unit.rows import SECOND, make_execution, make_worker

MAIL, CLEAN = "tests.shop.defer.mail", "tests.shop.defer.deliver_all"
RECOMMEND, TRAIN = "marketplace.defer.compute_product_recommendation", "marketplace.defer.train_recommender"
IMPORT = "warehouse.defer.import_stock_levels_of_all_suppliers"
"""Gone from the code."""
FUNCTIONS = (  # a day's runs, their usual duration in seconds, their spread, and the share that fails
    (MAIL, 4_400, 0.23, 0.9, 0.042),
    (RECOMMEND, 9_800, 0.05, 0.5, 0.002),
    (IMPORT, 260, 12.0, 0.4, 0.0),
    (CLEAN, 24, 1.4, 0.2, 0.0),
    (TRAIN, 1, 310.0, 0.05, 0.0),
)
ERRORS = ("a1b2c3d4", "e5f60718")
MESSAGES = ("Connection unexpectedly closed", "'anna@' is not an address that mail can be sent to")
BOUNCE = "550 5.1.1 The mailbox does not exist."


def fill(now: datetime, hours: int = 3) -> None:
    """Everything, as of now; a month has 720 hours."""
    chance = random.Random(7)
    _tallies(now, hours, chance)
    _errors(now)
    _executions(now)
    _workers(now)
    _schedules(now)
    DeployMark.objects.create(label="v1.4.2", marked_at=now - timedelta(hours=9, minutes=20))
    life.open_alert(AlertKind.UNDELIVERED, BOUNCE, subject="anna@example.com")


def _tallies(now: datetime, hours: int, chance: random.Random) -> None:
    ends = []
    for hour in [*range(min(hours, 48)), *range(48, hours, 6)]:
        moment = now - timedelta(hours=hour, minutes=1)
        for function, daily, usual, spread, fail in FUNCTIONS:
            busy = 1 + 0.8 * math.sin((moment.hour - 9) / 24 * 2 * math.pi)
            trouble = 6 if function == MAIL and 3 <= hour <= 5 else 1
            runs = daily / 24 * busy * (1 if hour < 48 else 6)
            ends += _hour(
                moment, function, runs, (usual, spread), min(fail * trouble, 0.5), chance, now - timedelta(hours=26)
            )
    tally(*ends)


def _hour(
    moment: datetime,
    function: str,
    runs: float,
    duration: tuple[float, float],
    fail: float,
    chance: random.Random,
    since: datetime,
) -> list[End]:
    whole = int(runs) + (chance.random() < runs % 1)
    samples = min(whole, 20 if moment > since else 3)
    ends = []
    for sample in range(samples):
        count = whole // samples + (sample < whole % samples)
        took = timedelta(seconds=duration[0] * math.exp(chance.gauss(0, duration[1])))
        wait = timedelta(seconds=0.04 * math.exp(chance.gauss(0, 1.1)))
        at = moment - timedelta(minutes=59) * sample / samples
        failed, retried = round(count * fail * chance.random()), round(count * fail * 2)
        usual = {"ended_at": at, "function": function, "wait": wait, "duration": took}
        ends.append(End(count=count - failed, **usual))
        if failed:
            ends.append(End(outcome="failed", count=failed, error_key=ERRORS[sample % 2], **usual))
        if retried:
            ends.append(End(outcome="retried", count=retried, error_key=ERRORS[0], **usual))
    if chance.random() < 0.1:
        ends.append(End(ended_at=moment, function=function, outcome="cancelled", wait=None, duration=None, count=2))
    return ends


def _errors(now: datetime) -> None:
    error_group(
        ERRORS[0],
        now - 12 * SECOND,
        MAIL,
        error_type="SMTPServerDisconnected",
        message=MESSAGES[0],
    )
    error_group(ERRORS[1], now - timedelta(minutes=44), MAIL, message=MESSAGES[1])


def _executions(now: datetime) -> None:
    for number, (function, *_rest) in enumerate(FUNCTIONS[:4]):
        at = now - timedelta(seconds=12 * (number + 1))
        state = State.FAILED if function == MAIL else State.SUCCEEDED
        make_execution(function, state=state, attempt=1, created_at=at - SECOND, started_at=at, ended_at=at, due_at=at)
    Execution.objects.bulk_create(
        Execution(function=MAIL, due_at=now - (2 - index / 100) * SECOND, created_at=now - 2 * SECOND)
        for index in range(42)
    )
    Execution.objects.bulk_create(
        Execution(function=MAIL, due_at=now + timedelta(minutes=index), created_at=now) for index in range(1, 8)
    )


def _workers(now: datetime) -> None:
    Housekeeping.objects.update_or_create(
        pk=1, defaults={"lease_until": now + 5 * SECOND, "rung_at": now - 3 * SECOND, "ring_owed_since": None}
    )
    for number, silence in enumerate((1, 1, 130), 1):
        worker = make_worker(
            node=f"celery@web{number}", heartbeat_at=now - silence * SECOND, queues=["celery"], slots=8
        )
        for _each in range(number * 2 if silence == 1 else 0):
            make_execution(RECOMMEND, state=State.STARTED, worker=worker, started_at=now - SECOND)


def _schedules(now: datetime) -> None:
    for function, frequency, every in (
        (TRAIN, "30 3 * * *", 24 * 60),
        (CLEAN, "0 * * * *", 60),
        (IMPORT, "*/5 * * * *", 5),
    ):
        values = {
            "declared_frequency": frequency,
            "frequency": frequency,
            "next_due_at": now + timedelta(minutes=every / 3),
        }
        schedule, _is_new = Schedule.objects.update_or_create(function=function, defaults=values)
        _due_moments(schedule, every, now)
    values = {"declared_frequency": "0 8 * * 1", "frequency": "0 7 * * 1", "is_paused": True}
    Schedule.objects.update_or_create(function="marketplace.defer.weekly_product_recommendations", defaults=values)


def _due_moments(schedule: Schedule, every: int, now: datetime) -> None:
    for number in range(360 // every + 1):
        due_at = now - timedelta(minutes=every * number + 2)
        state = State.FAILED if number % 29 == 2 else State.SUCCEEDED
        execution = make_execution(schedule.function, state=state, created_at=due_at) if number % 23 != 4 else None
        DueMoment.objects.create(schedule=schedule, due_at=due_at, decided_at=due_at, execution=execution)
