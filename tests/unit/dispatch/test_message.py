"""What a message says, and what is not one."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deferapp.dispatch import message
from deferapp.exceptions import MessageError
from tests.unit.cron.cases import patient

ONE = uuid4().hex


@given(st.lists(st.uuids(), max_size=20))
@patient
def test_a_message_is_json_and_names_its_executions_in_order(ids: list[UUID]) -> None:
    args, kwargs = json.loads(json.dumps(message.build(ids)))
    assert message.parse(*args, **kwargs) == ids


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ([[ONE]], {}),
        ([[ONE]], {"version": 2}),
        ([[ONE]], {"version": "1"}),
        ([[ONE]], {"version": None}),
        ([[ONE]], {"version": [1] * 1_000}),
        ([], {"version": 1}),
        ([[ONE], [ONE]], {"version": 1}),
        ([ONE], {"version": 1}),
        ([{"ids": [ONE]}], {"version": 1}),
        ([None], {"version": 1}),
        ([[ONE, "not an id"]], {"version": 1}),
        ([[ONE, 7]], {"version": 1}),
        ([[None]], {"version": 1}),
        ([[[ONE]]], {"version": 1}),
        ([[""]], {"version": 1}),
        ([["\ud800" * 32]], {"version": 1}),
        ([["0" * 33]], {"version": 1}),
        ([[ONE] * (message.MOST_IDS + 1)], {"version": 1}),
    ],
)
def test_anything_else_is_refused_in_few_words(args: list[Any], kwargs: dict[str, Any]) -> None:
    with pytest.raises(MessageError) as refused:
        message.parse(*args, **kwargs)
    assert len(str(refused.value)) < 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(ONE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=2), st.dictionaries(st.sampled_from(["version", "ids"]), JSON | st.just(1)))
@patient
def test_garbage_is_refused_with_a_message_error_or_names_ids(args: list[Any], kwargs: dict[str, Any]) -> None:
    try:
        ids = message.parse(*args, **kwargs)
    except MessageError:
        return
    assert all(isinstance(each, UUID) for each in ids)
