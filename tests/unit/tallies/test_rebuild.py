"""Making tallies anew: what folding came to, from what the ledger has kept."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from deferapp.executions import life
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.endings.failure import Failure
from deferapp.executions.states import ErrorCode, State
from deferapp.models import Alert, Attempt, ErrorGroup, Execution, Tally, TallyEntry
from deferapp.tallies import fold, rebuild
from tests.unit.rows import function_named

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
BEGINS_AT = datetime(2026, 1, 1, 22, tzinfo=UTC)
FUNCTIONS = ["shop.defer.mail", "shop.defer.report", "shop.defer.sync"]
FAILURES = [
    failure.LOST,
    Failure(code=ErrorCode.FUNCTION_FAILED, type="ValueError", message="no", place="shop.mail:send"),
    Failure(code=ErrorCode.FUNCTION_FAILED, type="KeyError", message="password=x", place="shop.mail:send"),
]


class Clock:
    """The time that the ledger goes by."""

    def __init__(self) -> None:
        self.moment = BEGINS_AT

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (life, fold, rebuild):
        monkeypatch.setattr(module, "now", clock)
    return clock


class History:
    """Executions that live and end at random, over some months."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self._random = random.Random(seed)
        self._clock = clock
        self._held: list[Execution] = []

    def go_on(self, moves: int) -> None:
        for _ in range(moves):
            self._clock.moment += timedelta(seconds=self._random.choice([0, 1, 50, 3_000, 20_000, 100_000]))
            what = self._random.choice([self._enqueue, self._claim, self._claim, self._settle, self._settle, self._end])
            what()

    def _enqueue(self) -> None:
        moment, function = self._clock.moment, self._random.choice(FUNCTIONS)
        discard_at = moment + DAY if self._random.random() < 0.3 else None
        for _ in range(3):
            Execution.objects.create(function=function, created_at=moment, due_at=moment, discard_at=discard_at)

    def _claim(self) -> None:
        function = function_named(self._random.choice(FUNCTIONS))
        ids = self._ids(State.CREATED)
        self._held += life.claim(function, ids, claim=uuid4(), worker_id=1, most=10)

    def _settle(self) -> None:
        held, self._held = self._held, []
        if held and self._random.random() < 0.2:
            life.give_back([held.pop()])
        life.settle([self._ending(execution) for execution in held], worker="w")

    def _ending(self, execution: Execution) -> Ending:
        values: dict[str, Any] = {}
        moment = self._clock.moment
        if self._random.random() < 0.5:
            values["failure"] = self._random.choice(FAILURES)
            values["retry_at"] = moment + DAY / 24 if self._random.random() < 0.6 else None
        began = moment - timedelta(seconds=self._random.expovariate(0.1))
        return Ending(execution=execution, started_at=began, ended_at=moment, **values)

    def _end(self) -> None:
        self._random.choice(
            [
                lambda: life.cancel(*self._ids(State.CREATED)[:2]),
                lambda: life.abort(*self._ids(State.STARTED)[:2]),
                lambda: life.retry(*self._ids(State.FAILED)[:2]),
                lambda: life.discard(self._held.pop(), "gone") if self._held else None,
                life.expire,
                fold.fold,
            ]
        )()

    def _ids(self, state: State) -> list[Any]:
        return list(Execution.objects.filter(state=state).order_by("created_at", "id").values_list("id", flat=True))


def tallied() -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = Tally.objects.values_list(
        "span", "begins_at", "function", "outcome", "error_key", "count", "waits", "durations"
    )
    return {row[:5]: row[5:] for row in rows}


def grouped() -> list[dict[str, Any]]:
    return list(ErrorGroup.objects.order_by("key").values())


@pytest.mark.parametrize("seed", range(6))
def test_what_is_rebuilt_is_what_was_folded(seed: int, clock: Clock) -> None:
    history = History(seed, clock)
    history.go_on(200)
    fold.fold()
    fold.prune()
    folded, groups = tallied(), grouped()
    assert {key[3] for key in folded} == {"succeeded", "retried", "failed", "cancelled", "discarded"}
    days = [key for key in folded if key[0] == "day" and key[2] == ""]
    counted = rebuild.rebuild(BEGINS_AT)
    assert counted == sum(folded[key][0] for key in days)
    assert tallied() == folded
    assert grouped() == groups
    Tally.objects.exclude(span="ever").delete()
    ErrorGroup.objects.all().delete()
    assert rebuild.rebuild(BEGINS_AT) == counted
    assert tallied() == folded
    assert grouped() == groups


def test_failures_that_are_noted_and_not_folded_are_told_as_incidents_all_the_same(clock: Clock) -> None:
    execution = Execution.objects.create(function=FUNCTIONS[0], due_at=clock.moment)
    (held,) = life.claim(function_named(FUNCTIONS[0]), [execution.id], claim=uuid4(), worker_id=1, most=1)
    moment = clock.moment
    life.settle([Ending(execution=held, started_at=moment, ended_at=moment, failure=FAILURES[1])], worker="w")
    for _ in range(2):
        rebuild.rebuild(BEGINS_AT)
        assert Alert.objects.get().count == 1


@pytest.mark.parametrize("seed", range(3))
def test_what_is_not_folded_yet_is_counted_once(seed: int, clock: Clock) -> None:
    history = History(seed, clock)
    history.go_on(100)
    rebuild.rebuild(BEGINS_AT)
    assert not TallyEntry.objects.exists()
    history.go_on(50)
    fold.fold()
    fold.prune()
    folded = tallied()
    assert counted("ever") == counted("day") > 0
    rebuild.rebuild(BEGINS_AT)
    assert tallied() == folded


def counted(span: str) -> int:
    """How much all functions together have of it."""
    return sum(Tally.objects.filter(span=span).exclude(function="").values_list("count", flat=True))


def test_what_ended_before_the_day_that_is_named_stays_as_it_is(clock: Clock) -> None:
    History(1, clock).go_on(150)
    fold.fold()
    fold.prune()
    folded, middle = tallied(), BEGINS_AT + (clock.moment - BEGINS_AT) / 2
    Execution.objects.filter(created_at__lt=middle - 5 * DAY).delete()
    Tally.objects.filter(begins_at__gt=middle).delete()
    assert tallied() != folded
    rebuild.rebuild(middle + 5 * DAY)
    begins = (middle + 5 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    rebuilt, expected = tallied(), {key: value for key, value in folded.items() if key[1] >= begins}
    assert {key: value for key, value in rebuilt.items() if key[1] >= begins} == expected
    assert {key: value for key, value in rebuilt.items() if key[1] < middle} == {
        key: value for key, value in folded.items() if key[1] < middle
    }


@pytest.mark.parametrize(
    ("retention", "begins_at"),
    [
        (timedelta(days=10), datetime(2026, 5, 11, tzinfo=UTC)),
        ({"failed": "20d", "cancelled": None}, datetime(2026, 5, 1, tzinfo=UTC)),
        (None, datetime(2024, 5, 21, tzinfo=UTC)),
    ],
)
def test_days_of_which_retention_has_taken_something_away_are_left_alone(
    retention: Any, begins_at: datetime, clock: Clock, settings: Any
) -> None:
    settings.DEFER = (
        {"RETENTION": retention}
        if not isinstance(retention, dict)
        else {"RETENTION": dict.fromkeys(("succeeded", "aborted", "discarded"), "20d") | retention}
    )
    clock.moment = datetime(2026, 5, 20, 13, tzinfo=UTC)
    days = {begins_at - DAY: 5, begins_at: 0}
    for day in days:
        Tally.objects.create(span="day", begins_at=day, function="", outcome="failed", count=5)
    assert rebuild.rebuild() == 0
    assert list(Tally.objects.values_list("begins_at", flat=True)) == [begins_at - DAY]


def test_attempts_are_read_in_pages(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    History(2, clock).go_on(80)
    fold.fold()
    fold.prune()
    folded = tallied()
    monkeypatch.setattr(rebuild, "PAGE", 7)
    with CaptureQueriesContext(connection) as queries:
        rebuild.rebuild(BEGINS_AT)
    pages = [query for query in queries if "retry_at" in query["sql"]]
    assert len(pages) > Attempt.objects.count() // 7
    assert tallied() == folded


def test_inside_of_a_transaction_it_refuses() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        rebuild.rebuild()


def test_an_attempt_whose_execution_is_gone_is_not_counted(clock: Clock) -> None:
    moment = clock.moment
    Attempt.objects.create(execution_id=uuid4(), number=1, outcome="failed", started_at=moment, ended_at=moment)
    assert rebuild.rebuild(BEGINS_AT) == 0


def test_an_empty_ledger_has_no_tallies(clock: Clock) -> None:
    assert rebuild.rebuild() == 0
    assert tallied() == {}
