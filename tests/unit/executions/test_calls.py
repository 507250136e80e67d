"""A call that was rolled back was not made."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from deferapp.executions.calls import Calls, Tally

pytestmark = pytest.mark.django_db(transaction=True)

CALL, OTHER = uuid4(), uuid4()


class RolledBack(Exception):
    """Ends a block of a test."""


def roll_back(calls: Calls, *made: object) -> list[int]:
    counts: list[int] = []
    with suppress(RolledBack), transaction.atomic():
        counts += [calls.count(CALL) for _ in made]
        raise RolledBack
    return counts


def test_equal_calls_are_counted_outside_and_inside_of_transactions() -> None:
    calls = Calls()
    assert [calls.count(CALL), calls.count(OTHER), calls.count(CALL)] == [0, 0, 1]
    with transaction.atomic():
        assert [calls.count(CALL), calls.count(CALL), calls.count(OTHER)] == [2, 3, 1]
    assert [calls.count(CALL), calls.count(OTHER)] == [4, 2]


def test_what_is_rolled_back_counts_until_then_and_not_afterwards() -> None:
    calls = Calls()
    calls.count(CALL)
    assert roll_back(calls, 1, 2) == [1, 2]
    assert calls.count(CALL) == 1


def test_a_savepoint_takes_back_its_own_calls_alone() -> None:
    calls = Calls()
    with transaction.atomic():
        assert calls.count(CALL) == 0
        assert roll_back(calls, 1, 2) == [1, 2]
        with transaction.atomic():
            assert calls.count(CALL) == 1
        assert calls.count(CALL) == 2
    assert calls.count(CALL) == 3


def test_another_attempt_counts_for_itself() -> None:
    with transaction.atomic():
        assert (Calls().count(CALL), Calls().count(CALL)) == (0, 0)


def test_many_calls_are_counted_each_for_itself() -> None:
    tally, ids = Tally(), [uuid4() for _ in range(1_000)]  # far more than it begins with places for
    assert [tally.of(id) for id in ids[:10]] == [0] * 10
    assert [tally.add(id, 1) for id in ids] == [0] * len(ids)
    assert [tally.add(id, 2) for id in ids] == [1] * len(ids)
    assert [tally.add(id, 1) for id in ids] == [3] * len(ids)
    assert [tally.of(id) for id in ids] == [4] * len(ids)
    assert tally.of(uuid4()) == 0


def test_calls_that_meet_in_one_place_are_counted_each_for_itself() -> None:
    tally, ids = Tally(), [UUID(int=1 + (number << 20)) for number in range(100)]
    assert [tally.add(id, 1) for id in ids] == [0] * len(ids)
    assert [tally.add(id, 1) for id in ids] == [1] * len(ids)
