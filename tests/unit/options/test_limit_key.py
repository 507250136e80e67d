"""Which limit of concurrency a call counts under."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deferapp.exceptions import OptionError
from deferapp.functions.limit_key import limit_key
from tests.shop.models import Customer
from tests.unit.options.functions import declare, serve

NAME = f"{serve.__module__}.serve"
USER = SimpleNamespace(id=7, address={"city": "Ulm"})


def key_of(declared: Any, *args: Any, **kwargs: Any) -> str | None:
    return limit_key(declare(serve, concurrency=2, concurrency_key=declared), args, kwargs)


def test_a_function_without_a_limit_has_no_key_even_if_one_is_given() -> None:
    function = declare(serve)
    assert limit_key(function.options(concurrency_key="a"), (USER,), {}) is None


def test_a_limit_without_a_key_is_that_of_the_function() -> None:
    assert limit_key(declare(serve, concurrency=2), (USER,), {}) is None


@pytest.mark.parametrize(
    ("declared", "args", "kwargs", "key"),
    [
        ("user", ("ann",), {}, "ann"),
        ("user", (), {"user": 7}, "7"),
        ("user.id", (USER,), {}, "7"),
        ("user.address.city", (USER,), {}, "Ulm"),
        ("payload.to", (USER,), {"payload": {"to": Decimal("1.5")}}, "1.5"),
        (lambda user, payload=None: user.id + 1, (USER,), {}, "8"),
        (lambda user, payload=None: payload, (), {"user": USER, "payload": "p"}, "p"),
    ],
)
def test_a_key_is_an_argument_a_path_into_one_or_a_callable_of_all(
    declared: Any, args: Any, kwargs: Any, key: str
) -> None:
    assert key_of(declared, *args, **kwargs) == f"{NAME}:{key}"


def test_a_row_of_a_model_is_known_by_its_primary_key() -> None:
    assert key_of("user", Customer(pk=5)) == key_of("user.pk", Customer(pk=5)) == f"{NAME}:5"


def test_a_key_that_is_none_means_the_limit_of_the_function() -> None:
    assert key_of("payload", USER) is None


def test_an_option_wins_over_what_the_arguments_say() -> None:
    function = declare(serve, concurrency=2, concurrency_key="user").options(concurrency_key="bob")
    assert limit_key(function, ("ann",), {}) == f"{NAME}:bob"


@pytest.mark.parametrize("path", ["nobody", "user.name", "payload.to"])
def test_a_path_that_leads_nowhere_is_refused_and_named(path: str) -> None:
    with pytest.raises(OptionError, match=path.replace(".", r"\.")):
        key_of(path, USER, payload={})


@pytest.mark.parametrize("value", ["", True, [1], {"a": 1}])
def test_a_key_of_another_kind_is_refused_and_the_function_named(value: Any) -> None:
    with pytest.raises(OptionError, match=rf"{NAME}\(\): concurrency_key"):
        key_of("user", value)


@given(st.lists(st.text(st.characters(), min_size=1, max_size=400), unique=True, max_size=4))
def test_any_key_fits_the_ledger_and_stays_itself(texts: list[str]) -> None:
    function = declare(serve, concurrency=2, concurrency_key="user")
    keys = [limit_key(function, (text,), {}) for text in texts]
    assert len(set(keys)) == len(texts)
    assert all(key and len(key) <= 200 and key.isprintable() and key.startswith(f"{NAME}:") for key in keys)
