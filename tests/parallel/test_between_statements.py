"""What happens between two statements by which somebody does one thing, at exactly that point."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from deferapp.clock import now
from deferapp.dispatch import overdue
from deferapp.executions import life, pauses, prune
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import Attempt, Execution
from tests.parallel.actors import Pause, wait_until_stuck
from tests.parallel.conftest import KINDS, Actors
from tests.parallel.databases import Database
from tests.unit.rows import claim, function_named, make_execution, values_of

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)
TABLE = "deferapp_execution"
NAME = "shop.defer.mail"


def as_seen(execution: Execution) -> tuple[str, int, Any]:
    values = values_of(execution)
    return values["state"], values["attempt"], values["claim"]


def fail(execution: Execution, *, again: bool) -> None:
    """End its attempt, which is followed by another one or not."""
    moment = now()
    ending = Ending(
        execution=execution,
        started_at=moment,
        ended_at=moment,
        failure=failure.of(ValueError("no")),
        retry_at=moment if again else None,
    )
    assert life.settle([ending], worker="w") == 1


@pytest.mark.parametrize(
    ("move", "statement", "is_alone", "state"),
    [
        (lambda held: life.give_back([held]), 1, True, State.ABORTED),
        (lambda held: life.give_back([held]), 2, False, State.CREATED),
        (lambda held: life.discard(held, "gone"), 1, False, State.ABORTED),
    ],
    ids=["before it is given back", "after it has been given back", "before it is discarded"],
)
def test_what_is_aborted_while_its_worker_lets_go_of_it_is_held_by_nobody(
    move: Callable[[Execution], int], statement: int, is_alone: bool, state: State, actors: Actors, database: Database
) -> None:
    (held,) = claim([make_execution()])
    (worker,) = actors(1)
    pause = Pause("UPDATE", TABLE, number=statement, before=True)
    if database.kind == "sqlite" and not is_alone:
        pause = Pause("BEGIN", before=True)  # By which it locks all for what follows.
    doing = worker.begin(partial(move, held), pause)
    with pause.reached_by(doing):
        assert life.abort(held.id) == (state == State.ABORTED)
    doing.result()
    assert as_seen(held) == (state, 0, None)


@pytest.mark.parametrize("concurrency", [None, 3])
def test_what_is_aborted_before_its_claim_is_answered_is_given_to_who_claimed_it(
    concurrency: int | None, actors: Actors
) -> None:
    execution, token = make_execution(), uuid4()
    (worker,) = actors(1)
    function = function_named(NAME, concurrency=concurrency)
    pause = Pause("SELECT", "arguments_json", before=True)
    doing = worker.begin(partial(life.claim, function, [execution.id], claim=token, worker_id=1, most=1), pause)
    with pause.reached_by(doing):
        assert life.abort(execution.id) == 1
    assert doing.result() == [execution]
    assert as_seen(execution) == (State.ABORTING, 1, token)


@pytest.mark.parametrize("database", sorted({*KINDS} - {"sqlite-defaults"}), indirect=True)
def test_what_is_let_run_again_while_it_is_pruned_stays_with_its_attempts(actors: Actors) -> None:
    """Where somebody may write while somebody reads, which without a write-ahead log is not so."""
    execution, gone = (make_execution(state=State.FAILED, attempt=1) for _ in range(2))
    for each in (execution, gone):
        Attempt.objects.create(execution=each, number=1, outcome="failed", started_at=now(), ended_at=now())
    Execution.objects.update(created_at=now() - 100 * DAY, ended_at=now() - 100 * DAY)
    (housekeeper,) = actors(1)
    pause = Pause("SELECT", TABLE)
    pruning = housekeeper.begin(prune.prune, pause)
    with pause.reached_by(pruning):
        assert life.retry(execution.id) == 1
    assert pruning.result() == 1
    assert Execution.objects.get() == execution
    assert Attempt.objects.get().execution == execution


@pytest.mark.parametrize("statement", [1, 2])
def test_what_is_being_taken_away_cannot_be_let_run_again(statement: int, actors: Actors) -> None:
    execution = make_execution(state=State.FAILED, created_at=now() - 100 * DAY, ended_at=now() - 100 * DAY)
    housekeeper, person = actors(2)
    pause = Pause("DELETE", number=statement)
    pruning = housekeeper.begin(prune.prune, pause)
    with pause.reached_by(pruning):
        retrying = person.begin(partial(life.retry, execution.id))
        wait_until_stuck(person, retrying)
    assert (pruning.result(), retrying.result()) == (1, 0)
    assert not Execution.objects.exists()


def test_one_that_comes_to_wait_while_it_is_cancelled_by_force_is_cancelled(actors: Actors) -> None:
    (held,) = claim([make_execution()])
    (person,) = actors(1)
    # Nothing waits, so that nothing is cancelled; what runs is aborted next.
    pause = Pause("UPDATE", TABLE, number=2, before=True)
    cancelling = person.begin(partial(Execution.objects.get(pk=held.pk).cancel, force=True), pause)
    with pause.reached_by(cancelling):
        fail(held, again=True)
    assert cancelling.result().state == State.CANCELLED


def test_children_that_come_to_wait_while_they_are_cancelled_by_force_are_cancelled(actors: Actors) -> None:
    parent = make_execution("shop.defer.mail_all", state=State.SUCCEEDED)
    (held,) = claim([make_execution(parent=parent)])
    (person,) = actors(1)
    # Nothing waits, so that nothing is cancelled; what has been started by then waits when that is looked for.
    pause = Pause("SELECT", TABLE, "ORDER BY")
    cancelling = person.begin(partial(parent.cancel_children, force=True), pause)
    with pause.reached_by(cancelling):
        fail(held, again=True)
    assert cancelling.result() == 1
    assert values_of(held)["state"] == State.CANCELLED


@pytest.mark.parametrize("statement", [1, 2, 3])
def test_a_limit_that_cancels_leaves_alone_what_comes_to_wait_while_others_are_counted(
    statement: int, actors: Actors
) -> None:
    """A message may come twice, and its execution be waiting for another attempt by then."""
    (held,) = claim([make_execution()])
    worker, another = actors(2)
    function = function_named(NAME, concurrency=5, max_concurrency_action="cancel")
    pause = Pause(TABLE, number=statement)
    claiming = worker.begin(partial(life.claim, function, [held.id], claim=uuid4(), worker_id=1, most=1), pause)
    with pause.reached_by(claiming):
        failing = another.begin(partial(fail, held, again=True))
        wait_until_stuck(another, failing)
    claiming.result()
    failing.result()
    assert values_of(held)["state"] == State.CREATED


def test_what_is_resumed_while_it_is_held_is_published_in_the_next_round(
    actors: Actors, monkeypatch: pytest.MonkeyPatch, published: list[UUID]
) -> None:
    monkeypatch.setattr(registry, "_functions", {NAME: function_named(NAME)})
    moment = now() - DAY
    execution = make_execution(dispatch_at=moment, due_at=moment)
    pauses.pause(NAME)
    housekeeper, person = actors(2)
    pause = Pause("deferapp_pausedfunction")
    publishing = housekeeper.begin(overdue.publish, pause)
    with pause.reached_by(publishing):
        resuming = person.begin(partial(pauses.resume, NAME))
        wait_until_stuck(person, resuming)
    resuming.result()
    publishing.result()
    overdue.publish()
    # Twice where who resumes writes last; then one of the messages finds nothing to claim.
    assert set(published) == {execution.id}
    assert values_of(execution)["dispatch_at"] > now()
