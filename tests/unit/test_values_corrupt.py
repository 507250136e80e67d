"""Stored texts that no call and no result has are corrupt: nothing else happens to whoever reads them."""

from __future__ import annotations

import enum
import json
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deferapp.exceptions import ValueCorrupt
from deferapp.executions.values import decode_call, decode_result, encode_result

# A busy machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Plain:
    pass


class Tier(enum.Enum):
    GOLD = 1


class Right(enum.Flag):
    READ = 1


class Watched(type):
    """Notes what it is asked for."""

    asked: ClassVar[list[str]] = []

    def __getattr__(cls, name: str) -> object:
        cls.asked.append(name)
        return Tier


class Shop(metaclass=Watched):
    pass


UNREADABLE = [
    "nonsense",
    "{",
    "NaN",
    '{"a":Infinity}',
    "9" * 5000,
    "[" * 100_000,
    '[{"$dict":' * 300 + "1" + "}]" * 300,
    '{"$dict":' * 100_000,
    '{"$nothing":1}',
    '{"$":1}',
    '{"$date":"2024-02-29","more":1}',
    '{"$date":"2024-02-29","$time":"08:00"}',
    '{"$date":"2024-02-30"}',
    '{"$date":20240229}',
    '{"$date":null}',
    '{"$date":{"$date":"2024-02-29"}}',
    '{"$datetime":"2024-02-29T08:00:00+00:00[Europe/Atlantis]"}',
    '{"$datetime":"2024-02-29T08:00:00+00:00[../../etc/passwd]"}',
    '{"$datetime":"2024-02-29T08:00:00+00:00[America]"}',
    '{"$datetime":"2024-02-29T08:00:00[_fold=2]"}',
    '{"$datetime":"[Europe/Paris]"}',
    '{"$datetime":1}',
    '{"$time":"25:00"}',
    '{"$timedelta":[1]}',
    '{"$timedelta":[1,2,"3"]}',
    '{"$timedelta":[99999999999,0,0]}',
    '{"$timedelta":5}',
    '{"$decimal":"NaN"}',
    '{"$decimal":"twelve"}',
    '{"$decimal":[]}',
    '{"$uuid":"1234"}',
    '{"$uuid":1}',
    '{"$enum":"Tier"}',
    '{"$enum":[1,"GOLD"]}',
    '{"$enum":["os:system","ls"]}',
    '{"$enum":["builtins:eval","1"]}',
    '{"$enum":["enum:Enum","GOLD"]}',
    '{"$enum":["no.such.module:Tier","GOLD"]}',
    '{"$enum":[":Tier","GOLD"]}',
    '{"$enum":[".values:Tier","GOLD"]}',
    f'{{"$enum":["{__name__}","GOLD"]}}',
    f'{{"$enum":["{__name__}:Plain","GOLD"]}}',
    f'{{"$enum":["{__name__}:Plain.__init__","GOLD"]}}',
    f'{{"$enum":["{__name__}:Nothing","GOLD"]}}',
    f'{{"$enum":["{__name__}:Tier","SILVER"]}}',
    f'{{"$enum":["{__name__}:Tier","__class__"]}}',
    f'{{"$enum":["{__name__}:Tier",1]}}',
    f'{{"$enum":["{__name__}:Right",64]}}',
    '{"$model":5}',
    '{"$model":"auth.User"}',
    '{"$model":["auth.User","default"]}',
    '{"$model":["auth.Nobody","default",1]}',
    '{"$model":["nowhere.User","default",1]}',
    '{"$model":["auth","default",1]}',
    '{"$model":[1,"default",1]}',
    '{"$model":["auth.User","elsewhere",1]}',
    '{"$model":["auth.User",[],1]}',
    '{"$model":["auth.User","default","forty-two"]}',
    '{"$model":["auth.User","default",{"pk__gt":0}]}',
    '{"$model":["auth.User","default",[1,2]]}',
]


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: text[:60])
def test_a_text_that_nobody_wrote_is_corrupt(text: str) -> None:
    with pytest.raises(ValueCorrupt) as result:
        decode_result(text)
    with pytest.raises(ValueCorrupt):
        decode_call(f'{{"args":[{text}]}}')
    assert len(str(result.value)) > 10


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"args"',
        '{"args":{}}',
        '{"kwargs":[]}',
        '{"arg":[]}',
        '{"$date":"2024-02-29"}',
        '{"args":{"$date":"2024-02-29"}}',
        '{"kwargs":{"$date":"2024-02-29"}}',
    ],
)
def test_a_text_that_is_no_call_is_corrupt(text: str) -> None:
    with pytest.raises(ValueCorrupt, match="this "):
        decode_call(text)


def test_reading_an_enum_runs_no_code_of_what_stands_in_its_way() -> None:
    with pytest.raises(ValueCorrupt):
        decode_result(f'{{"$enum":["{__name__}:Shop.Tier","GOLD"]}}')
    assert "Tier" not in Watched.asked


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$date", "$datetime", "$time", "$timedelta", "$decimal", "$uuid", "$enum", "$x", "a"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=8,
)


@unhurried
@given(value=_JSON)
def test_any_json_is_read_or_corrupt_and_nothing_else(value: object) -> None:
    try:
        found = decode_result(json.dumps(value))
    except ValueCorrupt:
        return
    assert decode_result(encode_result("greet", found)) == found
