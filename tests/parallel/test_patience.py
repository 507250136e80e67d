"""Somebody's transaction that has changed an execution and stays open holds up nothing but that execution.

A request that cancels and then waits for another server, or a process that stands still: PostgreSQL alone can leave out
what is locked in one statement, and be told how long to wait. MariaDB waits for as long as it is set to.
"""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest

from deferapp.clock import now
from deferapp.dispatch import overdue
from deferapp.executions import life, prune
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import Execution, Limit
from tests.parallel.conftest import Actors
from tests.unit.rows import MINUTE, function_named, make_execution, make_executions, values_of

pytestmark = [pytest.mark.parametrize("database", ["postgresql"], indirect=True), pytest.mark.usefixtures("database")]

NAME = "shop.defer.mail"
OLD = now() - 200 * 24 * 60 * MINUTE


def keep(execution: Execution) -> None:
    """Lock it, as whatever changes it does."""
    Execution.objects.filter(pk=execution.pk).update(reason="kept")


@pytest.mark.parametrize("config", [{}, {"concurrency": 2}, {"concurrency": 2, "max_concurrency_action": "cancel"}])
def test_a_claim_takes_what_else_it_may(config: dict[str, object], actors: Actors) -> None:
    executions = make_executions(4)
    worker, person = actors(2)
    ids, limit = [each.id for each in executions], config.get("concurrency", 3)
    claim = partial(life.claim, function_named(NAME, **config), ids, claim=uuid4(), worker_id=1, most=10)
    with person.in_transaction(partial(keep, executions[0])):
        assert worker.do(claim) == executions[1:][:limit]
    assert values_of(executions[0])["state"] == State.CREATED


def test_a_claim_under_a_limit_that_somebody_keeps_takes_nothing_and_lets_its_process_go_on(actors: Actors) -> None:
    execution = make_execution()
    Limit.objects.create(key=NAME)
    worker, person = actors(2)
    claim = partial(life.claim, function_named(NAME, concurrency=1), [execution.id], claim=uuid4(), worker_id=1, most=1)
    with person.in_transaction(lambda: Limit.objects.update(key=NAME)):
        assert worker.do(claim) == []
    assert worker.do(claim) == [execution]


def test_what_is_due_is_published_once_whoever_keeps_one_of_it(actors: Actors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_functions", {NAME: function_named(NAME)})
    moment = now() - MINUTE
    executions = [make_execution(due_at=moment, dispatch_at=moment) for _ in range(3)]
    housekeeper, person = actors(2)
    with person.in_transaction(partial(keep, executions[1])):
        assert housekeeper.do(overdue.publish) == 3
        assert housekeeper.do(overdue.publish) == 1
    assert housekeeper.do(overdue.publish) == 1
    assert housekeeper.do(overdue.publish) == 0


def test_what_is_late_or_old_goes_whoever_keeps_one_of_it(actors: Actors) -> None:
    late = [make_execution(discard_at=now() - MINUTE) for _ in range(3)]
    old = [make_execution(state=State.SUCCEEDED, created_at=OLD, ended_at=OLD) for _ in range(3)]
    housekeeper, person = actors(2)
    with person.in_transaction(lambda: [keep(late[1]), keep(old[1])]):
        assert housekeeper.do(life.expire) == 2
        assert housekeeper.do(prune.prune) == 2
    assert housekeeper.do(life.expire) == 1
    assert housekeeper.do(prune.prune) == 1
