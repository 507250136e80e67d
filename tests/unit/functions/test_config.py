"""Retry policies: what may be said, and what is refused when it is said."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.test import override_settings

from deferapp import RetryPolicy, defer
from deferapp.exceptions import DeclarationError
from deferapp.functions.config import Config, as_policy


def compute() -> None: ...


@pytest.mark.parametrize(
    ("retry", "policy"),
    [
        (True, RetryPolicy()),
        (False, RetryPolicy(max_attempts=0)),
        (0, RetryPolicy(max_attempts=0)),
        (1, RetryPolicy(max_attempts=1)),
        (5, RetryPolicy(max_attempts=5)),
        ({}, RetryPolicy()),
        ({"initial_interval": 1}, RetryPolicy(max_attempts=13, initial_interval=1)),
        ({"max_attempts": 2, "randomization_factor": 0}, RetryPolicy(max_attempts=2, randomization_factor=0)),
        (RetryPolicy(max_attempts=7), RetryPolicy(max_attempts=7)),
    ],
)
def test_a_retry_option_is_a_policy(retry: Any, policy: RetryPolicy) -> None:
    assert as_policy(retry) == policy


def test_the_default_policy_is_that_of_defer() -> None:
    assert dataclasses.asdict(RetryPolicy()) == {
        "max_attempts": 13,
        "initial_interval": 30.0,
        "multiplier": 1.5,
        "randomization_factor": 0.5,
        "max_interval": 600.0,
    }


NUMBERS = ("initial_interval", "multiplier", "randomization_factor", "max_interval")

REFUSED = [
    -1,
    1.5,
    "3",
    [3],
    {"retries": 3},
    {1: 3},
    {"max_attempts": -1},
    {"max_attempts": True},
    {"max_attempts": 2.0},
    {"max_attempts": None},
    *({name: wrong} for name in NUMBERS for wrong in (-0.1, float("nan"), float("inf"), True, "1", None)),
    {"randomization_factor": 1.01},
    {"max_interval": 1e300},
    {"max_attempts": 1_000_000},
]


@pytest.mark.parametrize("retry", REFUSED, ids=repr)
def test_what_is_no_policy_is_refused_where_it_is_declared(retry: Any, empty_registry: None) -> None:
    with pytest.raises(DeclarationError, match=r"^retry"):
        defer(compute, retry=retry)


def test_an_unknown_key_is_named_with_those_that_there_are() -> None:
    with pytest.raises(DeclarationError, match=r"unknown max_retries; there are .*max_attempts"):
        as_policy({"max_retries": 3})


def test_none_is_no_policy() -> None:
    with pytest.raises(DeclarationError, match="not None"):
        as_policy(None)


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RetryPolicy().max_attempts = 3  # type: ignore[misc]


@pytest.mark.parametrize(("setting", "attempts"), [(True, 13), (False, 0), (4, 4), ({"max_attempts": 2}, 2)])
def test_the_setting_is_the_policy_of_functions_that_name_none(setting: Any, attempts: int) -> None:
    silent, outspoken = Config(), Config(retry=6)
    with override_settings(DEFER={"RETRY": setting}):
        assert silent.retry_policy.max_attempts == attempts
        assert outspoken.retry_policy.max_attempts == 6
    assert silent.retry_policy == RetryPolicy()
