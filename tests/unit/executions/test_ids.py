"""Ids that follow from what an execution is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deferapp.executions.ids import Ids, child_id, due_id, new_id
from tests.unit.cron.cases import patient

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_every_id_is_a_uuid_of_version_7() -> None:
    ids = [new_id(), child_id(new_id(), "f", "{}", 0), due_id("f", MONDAY)]
    assert {type(each) for each in ids} == {UUID}
    assert {(each.version, each.variant) for each in ids} == {(7, RFC_4122)}


def test_new_ids_sort_as_they_were_made() -> None:
    ids = [new_id() for _ in range(1_000)]
    assert ids == sorted(set(ids))


def test_a_child_has_its_parents_time_and_a_due_execution_that_of_its_moment() -> None:
    parent = new_id()
    assert child_id(parent, "f", "{}", 0).int >> 80 == parent.int >> 80
    assert due_id("f", MONDAY).int >> 80 == MONDAY.timestamp() * 1000


@pytest.mark.parametrize("other", [("g", "{}", 0), ("f", "{ }", 0), ("f", "{}", 1), ("f", "", 0)])
def test_children_that_differ_in_anything_have_different_ids(other: tuple[str, str, int]) -> None:
    parent = new_id()
    assert child_id(parent, "f", "{}", 0) == child_id(parent, "f", "{}", 0)
    assert child_id(parent, "f", "{}", 0) != child_id(parent, *other)
    assert child_id(parent, "f", "{}", 0) != child_id(new_id(), "f", "{}", 0)


def test_due_executions_that_differ_in_function_or_moment_have_different_ids() -> None:
    assert due_id("f", MONDAY) == due_id("f", MONDAY)
    assert len({due_id("f", MONDAY), due_id("g", MONDAY), due_id("f", MONDAY + timedelta(minutes=1))}) == 3


@given(st.lists(st.uuids(), max_size=20), st.slices(20))
@patient
def test_ids_are_a_sequence_like_a_list(values: list[UUID], part: slice) -> None:
    ids = Ids(values)
    assert (list(ids), len(ids), list(ids[part])) == (values, len(values), values[part])
    assert list(reversed(ids)) == values[::-1]
    for position in range(-len(values), len(values)):
        assert ids[position] == values[position]
    with pytest.raises(IndexError):
        ids[len(values)]


def test_a_million_ids_take_sixteen_megabytes() -> None:
    ids = Ids()
    ids.extend(UUID(int=0) for _ in range(10_000))
    assert len(ids._bytes) == 160_000
