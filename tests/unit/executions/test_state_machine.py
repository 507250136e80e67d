"""Random sequences of what people and workers do: no move that is not in the table, nothing lost, no limit exceeded.

The table here is written down anew from Defer's semantics, so that a change of the product's own is noticed.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from deferapp.clock import now
from deferapp.exceptions import DeferError
from deferapp.executions import life
from deferapp.executions.endings import failure, outcome
from deferapp.functions import registry
from deferapp.functions.function import BackgroundFunction
from deferapp.models import Attempt, Execution, Limit, PausedFunction, Worker
from deferapp.workers.recover import recover
from tests.unit.rows import function_named, make_worker

LIMIT = 2
ENDED = {"succeeded", "failed", "cancelled", "aborted", "discarded"}
MOVES = {
    ("created", "started"),
    ("created", "cancelled"),
    ("created", "discarded"),
    ("started", "succeeded"),
    ("started", "failed"),
    ("started", "aborting"),
    ("aborting", "aborted"),
    # In one step: failed, and created again by a retry; or given back because the body had not begun.
    ("started", "created"),
    # In one step: given back, and discarded because what it was about is gone.
    ("started", "discarded"),
}
RETRY = {"max_attempts": 1, "initial_interval": 0}
FREE = function_named("machine.defer.free", retry=RETRY)
LIMITED = function_named("machine.defer.limited", retry=RETRY, concurrency=LIMIT)
LIMITED_ASYNC = function_named("machine.defer.limited_async", retry=RETRY, concurrency=LIMIT, is_async=True)
FUNCTIONS = [FREE, LIMITED, LIMITED_ASYNC]

functions = st.sampled_from(FUNCTIONS)
numbers = st.integers(0, 30)


class Life(RuleBasedStateMachine):
    """Two workers and some people act on one ledger, one step after the other."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        for model in (Attempt, Execution, Limit, PausedFunction, Worker):
            model.objects.all().delete()
        self.workers = [make_worker(), make_worker()]
        self.enqueued = 0
        self.states: dict[UUID, str] = {}

    def any(self, number: int) -> Execution | None:
        rows = Execution.objects.order_by("created_at")
        return rows[number % count] if (count := rows.count()) else None

    @rule(function=functions, late=st.booleans())
    def enqueue(self, function: BackgroundFunction[..., None], late: bool) -> None:
        (function.options(discard_after=timedelta()) if late else function).enqueue()
        self.enqueued += 1

    @rule(target=held, function=functions, worker=st.integers(0, 1), most=st.integers(1, 5))
    def claim(self, function: BackgroundFunction[..., None], worker: int, most: int) -> list[Execution]:
        waiting = Execution.objects.filter(function=function.name, state="created").order_by("created_at")
        ids = list(waiting.values_list("id", flat=True)[:most])
        worker_id = self.workers[worker].pk
        return life.claim(function, ids, claim=uuid4(), worker_id=worker_id, most=most) if ids else []

    @rule(executions=consumes(held), fails=st.booleans(), gives_back=st.booleans())
    def settle(self, executions: list[Execution], fails: bool, gives_back: bool) -> None:
        """The first has run; the rest is run too, or given back. Their claims may be gone by now."""
        begun = executions[:1] if gives_back else executions
        life.give_back(executions[len(begun) :])
        for execution in begun:
            ending = (
                outcome.of_failure(execution, FREE.config, failure.of(ValueError("no")), now(), now())
                if fails
                else outcome.of_success(execution, now(), now(), None)
            )
            life.settle([ending], worker="w")

    @rule(executions=held)
    def discard(self, executions: list[Execution]) -> None:
        for execution in executions[:1]:
            life.discard(execution, "gone")

    @rule(number=numbers, force=st.booleans())
    def cancel(self, number: int, force: bool) -> None:
        if execution := self.any(number):
            with suppress(DeferError):
                execution.cancel(force=force)

    @rule(number=numbers)
    def reschedule(self, number: int) -> None:
        if execution := self.any(number):
            with suppress(DeferError):
                execution.reschedule()

    @rule(number=numbers)
    def rerun(self, number: int) -> None:
        if execution := self.any(number):
            execution.rerun()
            self.enqueued += 1

    @rule(function=functions)
    def pause(self, function: BackgroundFunction[..., None]) -> None:
        function.pause()

    @rule(function=functions)
    def resume(self, function: BackgroundFunction[..., None]) -> None:
        function.resume()

    @rule(worker=st.integers(0, 1))
    def die(self, worker: int) -> None:
        recover(self.workers[worker])
        self.workers[worker] = make_worker()

    @invariant()
    def moves_are_in_the_table(self) -> None:
        states = dict(Execution.objects.values_list("id", "state"))
        moved = {(self.states.get(id, "created"), state) for id, state in states.items()}
        assert {(before, after) for before, after in moved if before != after} <= MOVES
        self.states = states

    @invariant()
    def nothing_is_lost(self) -> None:
        assert Execution.objects.count() == self.enqueued

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        for function in (LIMITED, LIMITED_ASYNC):
            running = Execution.objects.filter(function=function.name, state__in=("started", "aborting"))
            assert running.count() <= LIMIT

    @invariant()
    def an_attempt_is_recorded_once(self) -> None:
        for execution in Execution.objects.prefetch_related("attempts"):
            numbers = [attempt.number for attempt in execution.attempts.all()]
            assert numbers == sorted(set(numbers))
            assert not numbers or numbers[-1] <= execution.attempt

    def teardown(self) -> None:
        """Whatever has happened: once nobody interferes, all that waits is run to its end."""
        for function in FUNCTIONS:
            function.resume()
        for worker in self.workers:
            recover(worker)
        last = make_worker()
        life.expire()
        for _ in range(self.enqueued * 3 + 1):
            for function in FUNCTIONS:
                ids = list(
                    Execution.objects.filter(function=function.name, state="created").values_list("id", flat=True)
                )
                for execution in life.claim(function, ids, claim=uuid4(), worker_id=last.pk, most=5) if ids else []:
                    life.settle([outcome.of_success(execution, now(), now(), None)], worker="w")
        assert set(Execution.objects.values_list("state", flat=True)) <= ENDED


@pytest.fixture
def _known_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    for function in FUNCTIONS:
        monkeypatch.setitem(registry._functions, function.name, function)


@pytest.mark.django_db
@pytest.mark.usefixtures("_known_functions")
def test_no_sequence_of_actions_breaks_the_life_of_executions() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )
