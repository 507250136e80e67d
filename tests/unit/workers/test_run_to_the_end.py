"""Whatever a body leaves behind, its attempt is recorded, and the next one starts from a clean connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DataError, connection, connections, transaction

from deferapp import defer
from deferapp.executions import life
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import State
from deferapp.functions.function import BackgroundFunction
from deferapp.models import Attempt, Execution
from deferapp.workers import bodies, loop
from deferapp.workers.run import run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_registry")]


@pytest.fixture(autouse=True)
def _no_connection_stays() -> Iterator[None]:
    """The loop of async functions keeps its database thread, and that thread its connection."""
    yield
    loop.run(sync_to_async(connections.close_all)())


def leaves_a_transaction_open() -> None:
    transaction.atomic().__enter__()


def leaves_autocommit_off() -> None:
    connection.set_autocommit(False)


async def does_nothing_together() -> None: ...


async def is_stopped_as_it_returns() -> None:
    for body in bodies.running():
        body.stop(failure.timeout(body.limit))


def does_nothing() -> None: ...


def run_once(function: BackgroundFunction[..., Any]) -> Execution:
    execution = function.enqueue()
    run(function, [execution.id])
    execution.refresh_from_db()
    return execution


@pytest.mark.parametrize("body", [leaves_a_transaction_open, leaves_autocommit_off])
def test_a_body_that_leaves_its_connection_in_disorder_harms_nobody(body: Any) -> None:
    assert run_once(defer(body)).state == State.SUCCEEDED
    assert connection.get_autocommit()
    assert not connection.in_atomic_block
    assert run_once(defer(does_nothing)).state == State.SUCCEEDED


def test_a_body_that_is_stopped_as_it_returns_is_recorded_all_the_same() -> None:
    assert run_once(defer(is_stopped_as_it_returns)).state == State.SUCCEEDED


@pytest.mark.parametrize("body", [does_nothing, does_nothing_together])
def test_an_end_that_the_ledger_refuses_is_recorded_as_an_internal_error(
    body: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = life.settle

    def refuse_success(endings: list[Ending], *, worker: str) -> int:
        if endings[0].failure is None:
            raise DataError("too long for its column")
        return settle(endings, worker=worker)

    monkeypatch.setattr(life, "settle", refuse_success)
    execution = run_once(defer(body, retry=False))
    assert (execution.state, execution.error_code) == (State.FAILED, "ER0000")
    assert "too long for its column" in Attempt.objects.get(execution=execution).error_message
