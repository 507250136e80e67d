"""Rows are inserted as they are, by whatever statement the database takes them fastest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from deferapp.executions.ids import new_id
from deferapp.models import Execution
from deferapp.models.insertion import insert_missing

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
TEXT = '{"args":["it\'s \\"100 %\\" of \\\\u0000 \\u0000 ü 😀 %s"]}'
FULL: dict[str, Any] = {
    "function": "shop.defer.f",
    "state": "failed",
    "arguments_json": TEXT,
    "result_json": "null",
    "parent_id": new_id(),
    "attempt": 3,
    "created_at": MOMENT,
    "due_at": MOMENT + timedelta(microseconds=1),
    "dispatch_at": None,
    "discard_at": MOMENT.replace(year=9999),
    "metadata": {"a key": "100 %", "quote": '"'},
    "limit_key": "f:'%s'",
    "batch": new_id(),
    "worker_id": 7,
    "claim": new_id(),
    "error_code": "ER0004",
    "reason": "%(reason)s",
}


def row(**values: Any) -> Execution:
    return Execution(**{"function": "f", "due_at": MOMENT, "created_at": MOMENT, **values})


def values_of(execution: Execution) -> dict[str, Any]:
    return {field.attname: getattr(execution, field.attname) for field in Execution._meta.concrete_fields}


@pytest.mark.parametrize("count", [1, 2, 700], ids=["alone", "two that share all", "more than one statement of Django"])
@pytest.mark.parametrize("values", [{}, FULL], ids=["defaults", "everything"])
def test_rows_are_read_as_they_were_inserted(count: int, values: dict[str, Any]) -> None:
    rows = [row(**values) for _ in range(count)]
    insert_missing(rows, using="default")
    found = {each.pk: values_of(each) for each in Execution.objects.all()}
    assert found == {each.pk: values_of(each) for each in rows}


def test_rows_that_differ_keep_what_is_their_own() -> None:
    rows = [row(), row(**FULL), row(metadata={"a": "b"}), row(parent_id=new_id(), dispatch_at=MOMENT)]
    insert_missing(rows, using="default")
    assert [values_of(Execution.objects.get(pk=each.pk)) for each in rows] == [values_of(each) for each in rows]


def test_a_row_that_is_there_stays_as_it_is_and_the_others_are_inserted() -> None:
    known, new = row(function="known"), row()
    known.save(force_insert=True)
    insert_missing([row(id=known.id, function="again"), new, row(id=new.id, function="twice")], using="default")
    assert dict(Execution.objects.values_list("id", "function")) == {known.id: "known", new.id: "f"}


def test_nothing_is_inserted_by_no_statement() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        insert_missing([], using="default")
    assert not queries


def test_an_execution_that_is_made_fast_is_the_one_that_django_makes() -> None:
    id = new_id()
    made, usual = (
        make(id=id, function="f", due_at=MOMENT, created_at=MOMENT, metadata={}) for make in (Execution.new, Execution)
    )
    assert model_to_dict(made) == model_to_dict(usual)
    assert values_of(made) == values_of(usual)
    assert made._state.adding
