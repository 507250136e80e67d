"""Where in the project an error came from, and which errors are one by that."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from deferapp.durations import as_duration
from deferapp.executions.endings import failure
from deferapp.executions.endings.failure import Failure


class Till:
    def count(self) -> None:
        raise ValueError("no coins")

    def count_in_a_comprehension(self) -> list[None]:
        return [self.count() for _ in "a"]


def parse() -> None:
    json.loads("{")


def validate() -> None:
    validate_email("nobody")


def measure() -> None:
    as_duration("soon")


@dataclass(frozen=True)
class Strict:
    value: int

    def __post_init__(self) -> None:
        raise ValueError("never")


def failing(call: Callable[[], object]) -> Failure:
    try:
        call()
    except Exception as error:
        return failure.of(error)
    raise AssertionError("it did not fail")


def test_the_place_is_module_and_function_of_the_innermost_frame() -> None:
    assert failing(Till().count).place == f"{__name__}:Till.count"
    assert failing(Till().count_in_a_comprehension).place == f"{__name__}:Till.count"


@pytest.mark.parametrize(
    ("call", "type"),
    [
        (parse, "json.decoder.JSONDecodeError"),
        (validate, "django.core.exceptions.ValidationError"),
        (measure, "deferapp.exceptions.DurationError"),
    ],
    ids=["of the standard library", "of a package", "of deferapp"],
)
def test_frames_that_are_not_the_projects_are_no_place(call: Callable[[], None], type: str) -> None:
    failed = failing(call)
    assert failed.type == type
    assert failed.place == f"{__name__}:{call.__name__}"


def test_generated_code_is_no_place() -> None:
    assert failing(lambda: Strict(1)).place == f"{__name__}:Strict.__post_init__"
    assert failing(lambda: eval("1 / 0")).place.startswith(f"{__name__}:")


def test_where_no_frame_is_the_projects_the_place_is_the_innermost() -> None:
    try:
        json.loads("{")
    except ValueError as error:
        inside = error.__traceback__.tb_next if error.__traceback__ else None
        place = failure.of(error.with_traceback(inside)).place
    assert place == "json.decoder:JSONDecoder.raw_decode"


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert failure.of(ValidationError("no")).place == ""


def test_a_place_fits_into_its_column_and_is_storable() -> None:
    names: dict[str, object] = {"__name__": "shop.\ud800" + "x" * 400}
    exec("def far(): raise ValueError", names)
    far = names["far"]
    assert callable(far)
    far.__code__ = far.__code__.replace(co_filename=__file__)
    place = failing(far).place
    assert len(place) == 300
    assert place.endswith("x:far")
    place.encode()


def test_a_key_is_of_function_type_and_place_and_not_of_the_message() -> None:
    failed = failing(Till().count)
    key = failed.key("shop.defer.mail")
    assert len(key) == 16
    assert set(key) <= set("0123456789abcdef")
    assert replace(failed, message="another", traceback="elsewhere").key("shop.defer.mail") == key
    others = [replace(failed, type="KeyError"), replace(failed, place="shop:till")]
    keys = {key, failed.key("shop.defer.report"), *(each.key("shop.defer.mail") for each in others)}
    assert len(keys) == 4


def test_a_key_is_the_same_in_every_process_and_release() -> None:
    assert Failure(code=failure.LOST.code, type="ValueError", place="a:b").key("f") == "e2ebb3a32ee9af5f"


def test_failures_without_an_exception_are_told_apart_by_their_code() -> None:
    keys = {each.key("f") for each in (failure.LOST, failure.STUCK, failure.OUT_OF_MEMORY)}
    assert len(keys) == 3
