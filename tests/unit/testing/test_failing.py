"""Attempts that are made to fail."""

from __future__ import annotations

import pytest

from deferapp import GiveUp
from deferapp.executions.states import State
from deferapp.testing import failing, run_enqueued
from tests.unit.testing import functions
from tests.unit.testing.functions import did

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["greet_all", "greet_all_sync"])
def test_the_next_attempt_fails_and_the_one_after_it_runs(name: str) -> None:
    function = getattr(functions, name)
    execution = function.enqueue()
    with failing(function, ConnectionError):
        run_enqueued()
    execution.refresh_from_db()
    assert (execution.attempt, execution.state) == (2, State.SUCCEEDED)


def test_a_permanent_error_is_judged_as_in_production() -> None:
    functions.add(1)
    with failing(functions.add, GiveUp("no use")):
        (ran,) = run_enqueued(may_fail=True)
    assert (ran.attempt, ran.state) == (1, State.FAILED)
    assert did == []


def test_an_attempt_of_a_copy_with_options_fails_too() -> None:
    slower = functions.add.options(metadata={"tenant": "acme"})
    slower(1)
    with failing(slower):
        (ran,) = run_enqueued()
    assert ran.attempt == 2


def test_afterwards_nothing_fails() -> None:
    functions.add(1)
    with failing(functions.add):
        run_enqueued()
    functions.add(2)
    run_enqueued()
    assert did == [("add", 1, 0), ("add", 2, 0)]


def test_an_attempt_that_was_to_fail_and_was_never_made_fails_the_test() -> None:
    functions.add(1)
    expected = r"functions\.add was to fail 20 times, and 14 attempts were made\."
    with pytest.raises(AssertionError, match=expected), failing(functions.add, times=20):
        run_enqueued(may_fail=True)


def test_another_error_of_the_block_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), failing(functions.add):
        _ = 1 / 0
