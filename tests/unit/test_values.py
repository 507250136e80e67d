"""Arguments and results that travel as JSON text: what comes back, and that equal calls have equal text."""

from __future__ import annotations

import enum
import http
import inspect
import json
import subprocess
import sys
import uuid
from collections import Counter, OrderedDict, defaultdict, namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import uuid6
from django.http import QueryDict
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deferapp.executions.values import decode_call, decode_result, encode_call, encode_result

NEW_YORK = ZoneInfo("America/New_York")
SIGNATURE = inspect.signature(lambda *args, **kwargs: None)


# A busy machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Tier(enum.StrEnum):
    GOLD = "gold"
    SILVER = "silver"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Ratio(float, enum.Enum):
    HALF = 0.5


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Shop:
    class Size(enum.Enum):
        SMALL = ("small", 1)


Point = namedtuple("Point", "x y")


class Pounds(int):
    pass


class Miles(float):
    pass


def through_call(*args: Any, **kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
    return decode_call(encode_call("shop.defer.greet", SIGNATURE, args, kwargs))


def through_result(value: object) -> Any:
    return decode_result(encode_result("shop.defer.greet", value))


def assert_comes_back(value: object) -> None:
    """By repr, which tells 1 from True, 0.0 from -0.0, one zone from another and fold from no fold."""
    assert repr(through_result(value)) == repr(value)
    assert through_call(value, name={"nested": [value]}) == ([value], {"name": {"nested": [value]}})


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(10**4299),
        0.1,
        -0.0,
        1e308,
        5e-324,
        "",
        "Zoë 🎉 \x00 \u2028 \ud800",
        "$date",
        [],
        [[], {}],
        {"": None},
        datetime.fromisoformat("2024-02-29T23:59:59.999999"),
        datetime.fromisoformat("2024-11-03T01:30").replace(fold=1),
        datetime(2024, 11, 3, 1, 30, tzinfo=NEW_YORK),
        datetime(2024, 11, 3, 1, 30, fold=1, tzinfo=NEW_YORK),
        datetime(2024, 3, 10, 2, 30, tzinfo=NEW_YORK),  # an hour that was skipped
        datetime(1880, 1, 1, tzinfo=NEW_YORK),  # an offset of seconds
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")),
        datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30, seconds=7))),
        datetime.fromisoformat("0001-01-01"),
        datetime.max.replace(tzinfo=UTC),
        date(1, 1, 1),
        time(23, 59, 59, 1, fold=1),
        time(8, tzinfo=UTC),
        time(8, tzinfo=NEW_YORK),
        timedelta(days=-1, microseconds=1),
        timedelta.min,
        timedelta.max,
        Decimal("-0.00"),
        Decimal("1E+30"),
        Decimal("0.1234567890123456789012345678901234567890"),
        uuid.UUID("0190163d-8694-739b-aea5-966c26f8ad91"),
        Tier.GOLD,
        Level.HIGH,
        Ratio.HALF,
        Right.READ,
        Right.READ | Right.WRITE,
        Right(0),
        Shop.Size.SMALL,
        http.HTTPStatus.NOT_FOUND,
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    assert_comes_back(value)


_TEXT = st.text(st.characters(exclude_categories=[])).filter(
    # The halves of a pair are the documented exception.
    lambda text: text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") == text
)
_OFFSETS = st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds)))
_ZONES = st.none() | st.timezones() | _OFFSETS
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXT,
    st.datetimes(timezones=_ZONES),
    st.dates(),
    st.times(timezones=_ZONES),
    st.timedeltas(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.uuids(),
    st.sampled_from([*Tier, *Level, *Right, *Shop.Size]),
)
_KEYS = _TEXT | st.sampled_from(["$", "$$", "$date", "$$date", "$model", "$enum", "args"])
_VALUES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4))


@unhurried
@given(value=_VALUES)
def test_anything_built_of_what_travels_comes_back_as_it_was(value: object) -> None:
    assert_comes_back(value)


@unhurried
@given(args=st.lists(_VALUES, max_size=3), kwargs=st.dictionaries(_KEYS, _VALUES, max_size=3))
def test_a_call_comes_back_with_its_positional_and_keyword_arguments(
    args: list[object], kwargs: dict[str, object]
) -> None:
    assert through_call(*args, **kwargs) == (args, kwargs)


@unhurried
@given(value=_VALUES)
def test_the_text_is_ascii_and_strict_json(value: object) -> None:
    text = encode_call("greet", SIGNATURE, (value,), {})
    assert text.isascii()
    assert "\x00" not in text
    json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ((1, (2, "three")), [1, [2, "three"]]),
        (Point(1, 2), [1, 2]),
        (mark_safe("<b>"), "<b>"),
        (gettext_lazy("Monday"), "Monday"),
        (lazystr("text"), "text"),
        (Pounds(3), 3),
        (Miles(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (QueryDict("tag=a&tag=b"), {"tag": ["a", "b"]}),
        ({Tier.GOLD: 1, mark_safe("<b>"): 2}, {"gold": 1, "<b>": 2}),
        ("\ud83c\udf89", "🎉"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_relative_of_a_plain_type_comes_back_plain(value: object, plain: object) -> None:
    assert repr(through_result(value)) == repr(plain)
    assert through_call(value) == ([plain], {})


def test_a_uuid_of_a_subclass_comes_back_as_a_plain_uuid() -> None:
    value = uuid6.uuid7()
    found = through_result(value)
    assert type(found) is uuid.UUID
    assert found == value


def test_a_timestamp_of_pandas_comes_back_as_a_datetime() -> None:
    import pandas as pd

    found = through_result(pd.Timestamp("2024-01-01 08:00:00.000001", tz="America/New_York"))
    assert repr(found) == repr(datetime(2024, 1, 1, 8, 0, 0, 1, tzinfo=NEW_YORK))


def test_a_moment_in_a_zone_whose_rules_have_changed_keeps_its_instant() -> None:
    written_elsewhere = '{"$datetime":"2024-07-01T12:00:00-05:00[America/New_York]"}'
    assert repr(decode_result(written_elsewhere)) == repr(datetime(2024, 7, 1, 13, tzinfo=NEW_YORK))


def test_the_text_of_a_call_is_short_and_readable() -> None:
    def text(*args: object, **kwargs: object) -> str:
        return encode_call("greet", SIGNATURE, args, kwargs)

    assert text() == "{}"
    assert text(1, "a") == '{"args":[1,"a"]}'
    assert text(when=date(2024, 2, 29)) == '{"kwargs":{"when":{"$date":"2024-02-29"}}}'
    assert text({"$date": "x"}) == '{"args":[{"$$date":"x"}]}'
    assert text(Level.LOW) == f'{{"args":[{{"$enum":["{__name__}:Level","LOW"]}}]}}'


def test_equal_calls_have_equal_text_whatever_the_order_of_their_dicts() -> None:
    one = encode_call("greet", SIGNATURE, ({"a": 1, "b": {"c": 2, "d": 3}},), {"x": 1, "y": 2})
    other = encode_call("greet", SIGNATURE, ({"b": {"d": 3, "c": 2}, "a": 1},), {"y": 2, "x": 1})
    assert one == other


def test_a_result_keeps_the_order_of_its_dicts() -> None:
    assert list(through_result({"b": 1, "a": 2})) == ["b", "a"]


def test_values_nested_as_deep_as_is_allowed_come_back() -> None:
    value: object = [Tier.GOLD, timedelta(seconds=1)]
    for _ in range(49):
        value = ({"inside": value},)
    assert encode_result("greet", value) == encode_result("greet", through_result(value))


def test_the_codec_needs_neither_settings_nor_models() -> None:
    program = (
        "import sys, deferapp.executions.values as values;"
        "assert values.decode_result(values.encode_result('f', {'a': [1]})) == {'a': [1]};"
        "assert not [name for name in sys.modules if name.startswith('django.db')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={})
