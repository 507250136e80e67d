"""Assertions say what was enqueued, and what was instead."""

from __future__ import annotations

from datetime import date
from typing import Any
from unittest.mock import ANY

import pytest
from django.contrib.auth.models import User

from deferapp.testing import assert_enqueued, assert_not_enqueued, assert_nothing_enqueued, run_enqueued
from tests.unit.testing import functions

pytestmark = pytest.mark.django_db


def test_a_call_is_found_and_given() -> None:
    execution = functions.add(1, 2)
    functions.add(3)
    assert assert_enqueued(functions.add, 1, 2) == execution


@pytest.mark.parametrize(
    ("args", "kwargs"), [((1, 2), {}), ((1,), {"second": 2}), ((), {"second": 2, "first": 1}), ((ANY, 2), {})]
)
def test_it_is_the_same_call_however_its_arguments_are_given(args: Any, kwargs: Any) -> None:
    functions.add(1, second=2)
    assert_enqueued(functions.add, *args, **kwargs)


def test_a_default_is_an_argument() -> None:
    functions.add(1)
    assert_enqueued(functions.add, 1, 0)
    assert_not_enqueued(functions.add, 1, 1)


def test_without_arguments_any_call_will_do_and_the_latest_is_given() -> None:
    functions.add(1)
    latest = functions.add(2)
    assert assert_enqueued(functions.add) == latest


def test_values_are_compared_as_they_travel() -> None:
    user = User.objects.create(username="ada")
    functions.greet(user, "Hello", on=date(2025, 2, 10), sizes=(1, 2), who={"b": 1, "a": 2})
    same = User.objects.get(pk=user.pk)
    user.delete()
    assert_enqueued(functions.greet, same, "Hello", who={"a": 2, "b": 1}, sizes=[1, 2], on=date(2025, 2, 10))
    assert_not_enqueued(functions.greet, same, "Hello", "again", who=ANY, sizes=ANY, on=ANY)
    assert_not_enqueued(functions.greet, same, "Hello", sizes=[1, 2], on=date(2025, 2, 10))


def test_what_has_run_was_enqueued_and_so_were_its_children() -> None:
    user = User.objects.create(username="ada")
    functions.greet_all()
    run_enqueued()
    assert_enqueued(functions.greet_all)
    assert assert_enqueued(functions.greet, user, "Hello").result == "Hello ada"


def test_of_options_those_that_are_given_must_fit() -> None:
    functions.add.options(delay="1h", metadata={"tenant": "acme"}, concurrency_key="7", discard_after="2h")(1)
    functions.add.options(key="once")(2)
    for options in ({"delay": 3600}, {"metadata": {"tenant": "acme"}}, {"concurrency_key": 7}, {"discard_after": 7200}):
        assert_enqueued(functions.add.options(**options), 1)
        assert_not_enqueued(functions.add.options(**options), 2)
    assert_enqueued(functions.add.options(key="once"))
    assert_not_enqueued(functions.add.options(key="once"), 1)
    assert_not_enqueued(functions.add.options(delay="2h"))


def test_what_is_missing_is_told_with_what_there_is_instead() -> None:
    functions.add(1)
    with pytest.raises(AssertionError) as raised:
        assert_enqueued(functions.add, 2, second=3)
    assert str(raised.value) == (
        "tests.unit.testing.functions.add was not enqueued with (2, second=3). There are:\n  {'first': 1}, created"
    )


def test_where_there_is_nothing_that_is_told() -> None:
    with pytest.raises(AssertionError, match=r"add was not enqueued\. There is no execution of it\."):
        assert_enqueued(functions.add)


def test_of_many_the_first_are_told() -> None:
    functions.add.map(range(12))
    with pytest.raises(AssertionError) as raised:
        assert_not_enqueued(functions.add)
    assert str(raised.value).count("created") == 10
    assert str(raised.value).endswith("…")


def test_what_was_enqueued_and_should_not_is_told() -> None:
    functions.add(1)
    with pytest.raises(AssertionError, match=r"add was enqueued with \(1\)"):
        assert_not_enqueued(functions.add, 1)


def test_a_call_that_cannot_be_is_an_error_and_not_missing() -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        assert_not_enqueued(functions.add, 1, third=3)


def test_nothing_is_nothing_at_all() -> None:
    assert_nothing_enqueued()
    functions.add(1)
    with pytest.raises(AssertionError, match=r"functions\.add \{'first': 1\}, created"):
        assert_nothing_enqueued()


def test_a_scheduled_function_is_enqueued_when_it_is_run_now() -> None:
    assert_not_enqueued(functions.on_monday)
    functions.on_monday.run_now()
    assert_enqueued(functions.on_monday)
