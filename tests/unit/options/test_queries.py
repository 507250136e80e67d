"""The filters of `Execution.objects`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import override_settings
from hypothesis import example, given
from hypothesis import strategies as st

from deferapp.exceptions import DurationError, OptionError
from deferapp.executions.states import State
from deferapp.models import Execution
from tests.unit.options.functions import declare
from tests.unit.options.ledgers import BEGIN, a_row, filtered, is_kept, ledger_of, newest_first, some_filters, unhurried
from tests.unit.rows import make_execution

pytestmark = pytest.mark.django_db


@unhurried
@given(st.lists(a_row(), max_size=12, unique_by=lambda row: row.id), some_filters())
def test_every_combination_of_filters_finds_what_each_of_them_means(
    rows: list[Execution], filters: dict[str, Any]
) -> None:
    with ledger_of(rows):
        expected = [row for row in newest_first(rows) if is_kept(row, filters)]
        assert list(filtered(filters)) == expected


def test_by_state_one_or_several() -> None:
    rows = {state: make_execution(state=state) for state in State}
    assert Execution.objects.state("failed").get() == rows[State.FAILED]
    assert set(Execution.objects.state(State.FAILED, "aborted")) == {rows[State.FAILED], rows[State.ABORTED]}
    assert not Execution.objects.state().exists()


def test_a_word_that_is_no_state_or_code_is_refused_and_named() -> None:
    with pytest.raises(ValueError, match="succeed"):
        Execution.objects.state("succeed")
    with pytest.raises(ValueError, match="ER9999"):
        Execution.objects.error_code("ER9999")


def test_by_function_name_or_pattern() -> None:
    function = declare()
    mine, other = make_execution(function.name), make_execution("other")
    assert Execution.objects.function(function).get() == mine
    assert Execution.objects.function(function.options(delay="1h")).get() == mine
    assert Execution.objects.function("other").get() == other
    assert Execution.objects.function("*.note").get() == mine
    assert Execution.objects.function("o?her").get() == other
    assert not Execution.objects.function("tests").exists()


def test_by_error_code() -> None:
    lost = make_execution(error_code="ER0004")
    make_execution()
    assert Execution.objects.error_code("ER0004", "ER0001").get() == lost


def test_children_of_an_execution_or_its_id_and_not_their_children() -> None:
    parent = make_execution()
    child = make_execution(parent_id=parent.id)
    make_execution(parent_id=child.id)
    for way in (parent, parent.id, str(parent.id)):
        assert Execution.objects.children_of(way).get() == child
    assert not Execution.objects.children_of(uuid4()).exists()


def test_created_from_one_moment_until_before_another() -> None:
    second = timedelta(seconds=1)
    rows = [make_execution(created_at=BEGIN + number * second) for number in range(4)]
    found = Execution.objects.created(after=BEGIN + second, before=BEGIN + 3 * second)
    assert set(found) == set(rows[1:3])
    assert Execution.objects.created().count() == 4


def test_dates_without_a_zone_are_read_in_the_projects() -> None:
    row = make_execution(created_at=BEGIN)
    with override_settings(TIME_ZONE="Asia/Tokyo"):
        assert Execution.objects.created(after=date(2026, 11, 23), before=date(2026, 11, 24)).get() == row
        assert not Execution.objects.created(after=date(2026, 11, 24)).exists()
        assert Execution.objects.created(after=datetime(2026, 11, 23, 17)).get() == row  # noqa: DTZ001
        assert not Execution.objects.created(before=datetime(2026, 11, 23, 17)).exists()  # noqa: DTZ001


@pytest.mark.parametrize("value", ["1h", 7, timedelta(hours=1)])
def test_created_takes_dates_alone(value: Any) -> None:
    with pytest.raises(DurationError):
        Execution.objects.created(after=value)


def test_metadata_is_searched_by_all_pairs() -> None:
    row = make_execution(metadata={"tenant": "7", "order-id": "x y"})
    make_execution(metadata={"tenant": "7"})
    make_execution()
    assert Execution.objects.metadata(tenant="7", **{"order-id": "x y"}).get() == row
    assert Execution.objects.metadata(tenant="7").count() == 2
    assert Execution.objects.metadata().count() == 3
    assert not Execution.objects.metadata(tenant="8").exists()


@unhurried
@given(
    st.dictionaries(
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=8),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    )
)
@example({"self": "7"})
def test_any_metadata_is_found_by_itself_and_not_by_what_differs(pairs: dict[str, str]) -> None:
    row = Execution(function="f", due_at=BEGIN, metadata=pairs)
    key, value = next(iter(pairs.items()))
    with ledger_of([row]):
        assert Execution.objects.metadata(**pairs).get() == row
        assert Execution.objects.metadata(**{key: value}).get() == row
        assert not Execution.objects.metadata(**{key: value + "."}).exists()
        assert not Execution.objects.metadata(**{key + "012345678": value}).exists()


@pytest.mark.parametrize("pairs", [{"a": 7}, {"a": ""}, {"é": "a"}])
def test_what_no_metadata_can_be_is_refused(pairs: Any) -> None:
    with pytest.raises(OptionError):
        Execution.objects.metadata(**pairs)


def test_filters_go_on_to_whatever_a_queryset_does() -> None:
    row = make_execution(metadata={"a": "1"})
    found = Execution.objects.state("created").metadata(a="1")
    assert found.exclude(function="other").values_list("id", flat=True).get() == row.id
    assert (found | Execution.objects.state("failed")).get() == row
    assert async_to_sync(found.aget)() == row
