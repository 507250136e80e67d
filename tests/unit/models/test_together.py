"""Changing one row and writing others because of it: all or nothing, and in one statement where that can be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution, TallyEntry
from deferapp.models.together import update_and_insert
from tests.unit.rows import make_executions

pytestmark = pytest.mark.django_db

HOSTILE = "a %s, a %(name)s, a \\, a ' and a \" that \N{RIGHT-TO-LEFT MARK} are text"


def attempt(execution: Execution, **fields: Any) -> Attempt:
    moment = now()
    return Attempt(execution=execution, number=1, outcome="succeeded", started_at=moment, ended_at=moment, **fields)


def entry(execution: Execution, **fields: Any) -> TallyEntry:
    return TallyEntry(
        execution_id=execution.id, function=execution.function, outcome="succeeded", ended_at=now(), **fields
    )


def end(execution: Execution, *rows: Any, state: str = "created", **values: Any) -> bool:
    where = {"id": execution.id, "state": state}
    return update_and_insert(Execution, where, {"state": State.SUCCEEDED, **values}, rows, using="default")


def test_the_row_is_changed_and_the_others_are_written_with_every_kind_of_value() -> None:
    [execution, other] = make_executions(2)
    moment, claim = now(), uuid4()
    values = {"result_json": HOSTILE, "ended_at": moment, "claim": claim, "dispatch_at": None, "worker_id": 7}
    ended = attempt(execution, traceback=HOSTILE, counts=False)
    assert end(execution, ended, entry(execution, duration=timedelta(milliseconds=1500)), **values)
    execution.refresh_from_db()
    other.refresh_from_db()
    assert {name: getattr(execution, name) for name in values} == values
    assert (execution.state, other.state, isinstance(execution.claim, UUID)) == ("succeeded", "created", True)
    written = Attempt.objects.get()
    assert (written.execution_id, written.traceback, written.counts, written.retry_at) == (
        execution.id,
        HOSTILE,
        False,
        None,
    )
    assert (written.started_at, written.ended_at) == (ended.started_at, ended.ended_at)
    assert TallyEntry.objects.get().duration == timedelta(seconds=1.5)


def test_where_no_row_is_as_said_nothing_is_written() -> None:
    [execution] = make_executions(1)
    assert not end(execution, attempt(execution), entry(execution), state="started")
    assert (Attempt.objects.count(), TallyEntry.objects.count()) == (0, 0)


def test_where_one_row_cannot_be_written_nothing_is() -> None:
    [execution] = make_executions(1)
    attempt(execution).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        end(execution, entry(execution), attempt(execution))
    execution.refresh_from_db()
    assert (execution.state, TallyEntry.objects.count()) == ("created", 0)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_on_postgresql_it_is_one_statement_and_no_transaction(count: int) -> None:
    [execution] = make_executions(1)
    with CaptureQueriesContext(connection) as queries:
        assert end(execution, *[attempt(execution), entry(execution)][:count])
    if connection.vendor == "postgresql":
        assert len(queries) == 1
    else:
        assert len(queries) == 1 + count
