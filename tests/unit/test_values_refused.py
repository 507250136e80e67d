"""Arguments and results that do not travel are refused by name, with a remedy."""

from __future__ import annotations

import array
import enum
import inspect
from collections import deque
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils.functional import SimpleLazyObject

from deferapp.exceptions import ArgumentError, DeferError, ResultError
from deferapp.executions.values import decode_call, decode_result, encode_call, encode_result


class Plain:
    pass


class Tier(enum.Enum):
    GOLD = 1


class Open(enum.Enum):
    """Makes members up, as some libraries do."""

    KNOWN = 1

    @classmethod
    def _missing_(cls, value: object) -> Open:
        member = object.__new__(cls)
        member._name_, member._value_ = "MADE_UP", value
        return member


@dataclass
class Order:
    number: int


class Nowhere(tzinfo):
    def utcoffset(self, moment: datetime | None) -> None:
        return None

    def __repr__(self) -> str:
        return "Nowhere()"


def greet(user: Any, greeting: Any = None, /, *others: Any, loud: Any = False, **options: Any) -> None: ...


SIGNATURE = inspect.signature(greet)


def encode(*args: Any, **kwargs: Any) -> str:
    return encode_call("shop.defer.greet", SIGNATURE, args, kwargs)


def local_member() -> enum.Enum:
    class Color(enum.Enum):
        RED = 1

    return Color.RED


def member_of_a_script() -> enum.Enum:
    return enum.Enum("Color", "RED", module="__main__").RED  # type: ignore[attr-defined,no-any-return]


def shadowed_member() -> enum.Enum:
    """Its class's name means another class by now."""
    return enum.Enum("Tier", "GOLD", module=__name__).GOLD  # type: ignore[attr-defined,no-any-return]


def nested(levels: int) -> object:
    value: object = []
    for _ in range(levels - 1):
        value = [value]
    return value


def cyclic() -> object:
    value: dict[str, object] = {}
    value["self"] = [value]
    return value


@pytest.mark.parametrize(
    ("args", "kwargs", "complaint"),
    [
        ((), {}, "missing a required argument: 'user'"),
        ((), {"user": 1}, "'user'"),
    ],
)
def test_a_wrong_signature_is_a_plain_type_error_that_names_function_and_signature(
    args: tuple[Any, ...], kwargs: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(TypeError, match=r"^shop\.defer\.greet\(\) ") as caught:
        encode(*args, **kwargs)
    assert complaint in str(caught.value)
    assert str(SIGNATURE) in str(caught.value)
    assert not isinstance(caught.value, DeferError)


def test_the_signature_is_checked_before_the_values() -> None:
    with pytest.raises(TypeError, match="too many positional arguments"):
        encode_call("greet", inspect.signature(lambda user: None), (object(), 2), {})


@pytest.mark.parametrize(
    ("args", "kwargs", "place"),
    [
        (({1},), {}, "user"),
        ((1, {2}), {}, "greeting"),
        ((1, 2, 3, {4}), {}, "others[1]"),
        ((1,), {"loud": {2}}, "loud"),
        ((1,), {"extra": {2}}, "options.extra"),
        ((1,), {"user": [{2}]}, "options.user[0]"),
        ((1,), {"a b": {2}}, "options['a b']"),
        (({"address": ["", "", {1}]},), {}, "user.address[2]"),
        (({"the address": ({"$zip": {1}},)},), {}, "user['the address'][0]['$zip']"),
    ],
)
def test_a_refusal_names_the_function_and_the_way_to_the_value(
    args: tuple[Any, ...], kwargs: dict[str, Any], place: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        encode(*args, **kwargs)
    assert str(caught.value) == (
        f"shop.defer.greet() cannot take {place}: a value of type set cannot travel. "
        "Use a list, for example sorted(value)."
    )


REFUSED = [
    (b"", "a value of type bytes", "base64"),
    (bytearray(), "a value of type bytearray", "base64"),
    (memoryview(b""), "a value of type memoryview", "base64"),
    (frozenset(), "a value of type frozenset", "sorted(value)"),
    ({}.keys(), "a value of type dict_keys", "a list"),
    (iter([]), "a value of type list_iterator", "list(value)"),
    (range(3), "a value of type range", "list(value)"),
    (deque(), "a value of type collections.deque", "list(value)"),
    (array.array("i"), "a value of type array.array", "value.tolist()"),
    (np.int64(1), "a value of type numpy.int64", "value.tolist()"),
    (pd.Series([1]), "a value of type pandas.Series", "value.tolist()"),
    (User.objects.none(), "a value of type django.db.models.query.QuerySet", "list(value)"),
    (1j, "a value of type complex", "Use plain data"),
    (object(), "a value of type object", "Use plain data"),
    (len, "a value of type builtin_function_or_method", "Use plain data"),
    (Plain(), f"a value of type {__name__}.Plain", "Use plain data"),
    (Tier, "a value of type enum.EnumType", "Use"),
    (User, "a value of type django.db.models.base.ModelBase", "Use plain data"),
    (Order(1), f"a value of type {__name__}.Order", "dataclasses.asdict"),
    (AnonymousUser(), "a value of type django.contrib.auth.models.AnonymousUser", "Use plain data"),
    (SimpleLazyObject(AnonymousUser), "a value of type django.contrib.auth.models.AnonymousUser", "Use"),
    (User(username="ann"), "an instance of auth.User that is not in the database", "Save it first."),
    (User(pk=7), "an instance of auth.User that is not in the database", "Save it first."),
    (float("nan"), "a float that is nan", "Use None."),
    (float("-inf"), "a float that is -inf", "Use None."),
    (Decimal("NaN"), "a Decimal that is NaN", "Use None."),
    (Decimal("sNaN"), "a Decimal that is sNaN", "Use None."),
    (Decimal("Infinity"), "a Decimal that is Infinity", "Use None."),
    (pd.NaT, "a datetime that is no time", "Use None."),
    (datetime(2024, 1, 1, tzinfo=Nowhere()), "a datetime in Nowhere(), which has no offset,", "zoneinfo"),
    (time(8, tzinfo=Nowhere()), "a time in Nowhere(), which has no offset,", "zoneinfo"),
    (10**4300, "an int of more than 4300 digits", "hex(value)"),
    ({1: "a"}, "a dict with the key 1 of type int", "Use keys of type str."),
    ({None: "a"}, "a dict with the key None of type NoneType", "Use keys of type str."),
    ({("a", 1): "a"}, "a dict with the key ('a', 1) of type tuple", "Use keys of type str."),
    (local_member(), f"{__name__}:local_member.<locals>.Color, which a worker cannot import,", "top level"),
    (member_of_a_script(), "__main__:Color, which a worker cannot import,", "top level"),
    (shadowed_member(), f"{__name__}:Tier, which a worker cannot import,", "top level"),
    (Open(2), f"which is no declared member of {__name__}:Open,", "Use a declared member."),
]


@pytest.mark.parametrize(("value", "problem", "remedy"), REFUSED, ids=[problem for _, problem, _ in REFUSED])
def test_what_cannot_travel_is_refused_with_its_type_and_a_remedy(value: object, problem: str, remedy: str) -> None:
    with pytest.raises(ArgumentError) as argument:
        encode({"inside": [value]})
    with pytest.raises(ResultError) as result:
        encode_result("shop.defer.greet", {"inside": [value]})
    assert str(argument.value).startswith("shop.defer.greet() cannot take user.inside[0]: ")
    assert str(result.value).startswith("shop.defer.greet() cannot return result.inside[0]: ")
    for message in (str(argument.value), str(result.value)):
        assert f"{problem} cannot travel. " in message
        assert remedy in message


def test_a_coroutine_that_nobody_awaited_is_refused_with_the_hint_to_await_it() -> None:
    async def name() -> str:
        return "Ann"

    coroutine = name()
    with pytest.raises(ArgumentError, match=r"a value of type coroutine cannot travel\. Await it first\."):
        encode(coroutine)
    coroutine.close()


@pytest.mark.parametrize("value", [nested(100), nested(100_000), cyclic()], ids=["100", "100,000", "cyclic"])
def test_what_is_nested_too_deeply_or_contains_itself_is_refused(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"cannot take user.*inside 100 others, or inside itself,") as caught:
        encode(value)
    assert len(str(caught.value)) < 250


def test_what_is_nested_as_deeply_as_is_allowed_is_not_refused() -> None:
    assert decode_result(encode_result("greet", nested(100))) == nested(100)
    assert decode_call(encode(nested(99))) == ([nested(99)], {})
