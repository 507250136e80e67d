"""What a declaration may say about errors, and what is refused when it is said."""

from __future__ import annotations

from typing import Any

import pytest

from deferapp import defer
from deferapp.exceptions import DeclarationError


def compute(number: int = 1) -> int:
    return number


def tell(execution: Any) -> None: ...


def tell_nobody() -> None: ...


def tell_both(execution: Any, name: str) -> None: ...


def tell_with_a_word(execution: Any, word: str = "sorry") -> None: ...


def every_day() -> None: ...


@pytest.mark.parametrize("name", ["retry_on", "give_up_on"])
@pytest.mark.parametrize("types", [ValueError, (ValueError, OSError), (), SystemExit])
def test_types_of_errors_are_given_alone_or_as_a_tuple(name: str, types: Any) -> None:
    assert getattr(defer(compute, **{name: types}).config, name) == types


@pytest.mark.parametrize("name", ["retry_on", "give_up_on"])
@pytest.mark.parametrize("wrong", [None, "ValueError", ValueError("x"), int, [ValueError], (ValueError, int), 404])
def test_what_is_no_type_of_error_is_refused_and_named(name: str, wrong: Any) -> None:
    with pytest.raises(DeclarationError, match=f"^{name} is an exception type or a tuple of them"):
        defer(compute, **{name: wrong})


@pytest.mark.parametrize("handler", [tell, tell_with_a_word])
def test_a_function_is_named_to_be_handed_failures(handler: Any) -> None:
    declared = defer(handler)
    assert defer(compute, on_failure=declared).config.on_failure is declared
    assert defer.cron(every_day, "0 8 * * *", on_failure=declared).config.on_failure is declared


@pytest.mark.parametrize("wrong", [tell, "tell", 7, print])
def test_a_handler_that_is_no_background_function_is_refused(wrong: Any) -> None:
    with pytest.raises(DeclarationError, match=r"^on_failure is a background function"):
        defer(compute, on_failure=wrong)


def test_a_scheduled_function_is_no_handler() -> None:
    with pytest.raises(DeclarationError, match=r"^on_failure is a background function"):
        defer(compute, on_failure=defer.cron(every_day, "0 8 * * *"))


@pytest.mark.parametrize("handler", [tell_nobody, tell_both])
def test_a_handler_that_cannot_take_an_execution_alone_is_refused(handler: Any) -> None:
    with pytest.raises(DeclarationError, match="cannot be called with the execution alone"):
        defer(compute, on_failure=defer(handler))
