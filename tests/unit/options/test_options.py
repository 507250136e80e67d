"""Options: what they may be, and how one function object is made of another."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

import deferapp
from deferapp import assign_options, defer
from deferapp.exceptions import DeferError, DurationError, OptionError
from deferapp.functions.options import Options
from tests.unit.options.functions import declare, note, sweep

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=256)
GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "delay": st.sampled_from([None, "1h", 5, timedelta(days=1), NOON]),
        "discard_after": st.sampled_from([None, "2h", 7, timedelta(days=2), NOON]),
        "metadata": st.none() | st.dictionaries(PRINTABLE, PRINTABLE, max_size=3),
        "key": st.none() | st.text(min_size=1, max_size=200),
        "concurrency_key": st.none() | st.integers() | st.text(min_size=1),
    },
)


def test_assign_options_gives_a_new_function_object_and_leaves_the_original_untouched() -> None:
    original = declare()
    changed = assign_options(original, delay="1h", metadata={"tenant": "7"})
    assert type(changed) is type(original)
    assert changed is not original
    assert original.assigned == Options()
    assert changed.assigned == Options(delay=timedelta(hours=1), metadata={"tenant": "7"})


def test_fn_options_is_assign_options() -> None:
    original = declare()
    assert original.options(key="a").assigned == assign_options(original, key="a").assigned
    assert deferapp.assign_options is assign_options


def test_a_function_with_options_is_the_same_function_otherwise() -> None:
    original = declare(retry=3)
    changed = original.options(delay="1h")
    assert (changed.name, changed.func, changed.config, changed.signature, changed.place) == (
        original.name, note, original.config, original.signature, original.place,
    )  # fmt: skip
    assert (changed.__name__, changed.__doc__, changed.is_async) == (original.__name__, original.__doc__, False)
    assert changed.func("a", 2) == "aa"


def test_a_scheduled_function_takes_options_and_is_still_not_called() -> None:
    scheduled = defer.cron(sweep, "0 8 * * 1")
    changed = scheduled.options(metadata={"by": "hand"})
    assert changed.frequency == scheduled.frequency
    with pytest.raises(deferapp.exceptions.ScheduledFunctionError):
        changed()


def test_options_are_not_assigned_to_a_plain_function() -> None:
    with pytest.raises(OptionError, match="defer"):
        assign_options(note, delay="1h")  # type: ignore[type-var]


def test_later_options_win_and_the_others_stay() -> None:
    options = Options().merged(delay="1h", key="a").merged(delay="2h")
    assert options == Options(delay=timedelta(hours=2), key="a")


def test_metadata_is_replaced_whole() -> None:
    options = Options().merged(metadata={"a": "1", "b": "2"}).merged(metadata={"c": "3"})
    assert options.metadata == {"c": "3"}


def test_none_takes_an_option_back() -> None:
    options = Options().merged(delay="1h", discard_after="1h", metadata={"a": "1"}, key="k", concurrency_key=1)
    nothing = dict.fromkeys(("delay", "discard_after", "metadata", "key", "concurrency_key"))
    assert options.merged(**nothing) == Options()


@given(GIVEN, GIVEN)
def test_merging_one_after_the_other_is_merging_their_union(first: Any, second: Any) -> None:
    assert Options().merged(**first).merged(**second) == Options().merged(**{**first, **second})


def test_an_unknown_option_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(TypeError, match=r"dely.*delay, discard_after, metadata, key, concurrency_key"):
        declare().options(dely="1h")


def test_options_keep_a_copy_of_metadata() -> None:
    pairs = {"a": "1"}
    options = Options().merged(metadata=pairs)
    pairs["a"] = "2"
    assert options.metadata == {"a": "1"}


@given(st.dictionaries(PRINTABLE, PRINTABLE, max_size=25))
def test_metadata_is_up_to_25_pairs_of_1_to_256_printable_ascii_characters(pairs: dict[str, str]) -> None:
    assert Options().merged(metadata=pairs).metadata == pairs


@pytest.mark.parametrize("text", ["", "x" * 257, "é", "a\n", "\x7f", "\0", 7, None, True, b"a"])
def test_metadata_of_anything_else_is_refused_and_the_key_named(text: Any) -> None:
    for pairs, key in (({"tenant": text}, "tenant"), ({text: "value"}, text)):
        with pytest.raises(OptionError) as refused:
            Options().merged(metadata=pairs)
        assert repr(key)[:100] in str(refused.value)


@pytest.mark.parametrize(
    "given", [{"metadata": {"a": "hunter2é"}}, {"metadata": "hunter2"}, {"key": "hunter2" * 50}, {"key": b"hunter2"}]
)
def test_a_value_that_cannot_be_is_not_quoted_as_it_may_be_a_secret(given: Any) -> None:
    with pytest.raises(OptionError) as refused:
        Options().merged(**given)
    assert "hunter2" not in str(refused.value)


def test_twenty_five_pairs_are_metadata_and_twenty_six_are_not() -> None:
    pairs = {str(number): "x" for number in range(26)}
    with pytest.raises(OptionError, match=r"25.*26"):
        Options().merged(metadata=pairs)
    del pairs["0"]
    assert Options().merged(metadata=pairs).metadata == pairs


@pytest.mark.parametrize("pairs", [[("a", "b")], "ab", 7])
def test_metadata_is_a_mapping(pairs: Any) -> None:
    with pytest.raises(OptionError, match="mapping"):
        Options().merged(metadata=pairs)


@pytest.mark.parametrize("key", ["", "x" * 201, 7, True, b"a", UUID(int=1)])
def test_a_key_is_a_string_of_1_to_200_characters(key: Any) -> None:
    assert Options().merged(key="x" * 200).key == "x" * 200
    with pytest.raises(OptionError, match="key is a string of 1 to 200 characters"):
        Options().merged(key=key)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (7, "7"), (0, "0"), (1.5, "1.5"), (Decimal("2.50"), "2.50"), (UUID(int=1), str(UUID(int=1)))],
)
def test_a_concurrency_key_is_a_string_or_a_number(value: Any, text: str) -> None:
    assert Options().merged(concurrency_key=value).concurrency_key == text


@pytest.mark.parametrize("value", ["", True, b"a", ["a"], NOON, object])
def test_anything_else_is_no_concurrency_key(value: Any) -> None:
    with pytest.raises(OptionError, match="concurrency_key"):
        Options().merged(concurrency_key=value)


@pytest.mark.parametrize("name", ["delay", "discard_after"])
@pytest.mark.parametrize("value", ["5 parsecs", "", float("nan"), True, [], "-1h"])
def test_a_nonsensical_time_is_refused_at_the_call_and_named(name: str, value: Any) -> None:
    with pytest.raises(DurationError) as refused:
        declare().options(**{name: value})
    assert repr(value) in str(refused.value)
    assert isinstance(refused.value, (DeferError, ValueError))


def test_discarding_after_less_than_nothing_is_refused() -> None:
    with pytest.raises(DurationError, match="negative"):
        Options().merged(discard_after=timedelta(seconds=-1))


@pytest.mark.parametrize("name", ["delay", "discard_after"])
def test_a_date_without_a_zone_is_read_in_the_projects(name: str) -> None:
    with override_settings(TIME_ZONE="America/New_York"):
        options = Options().merged(**{name: datetime(2026, 11, 23, 7)})  # type: ignore[arg-type]  # noqa: DTZ001
        day = Options().merged(**{name: date(2026, 11, 23)})  # type: ignore[arg-type]
    assert getattr(options, name) == NOON
    assert getattr(day, name) == datetime(2026, 11, 23, 5, tzinfo=UTC)
