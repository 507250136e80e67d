"""What may be typed into the search box, and what is said of the rest."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from deferapp.exceptions import SearchError
from deferapp.executions.search import Search, parse, quoted
from deferapp.executions.search.parse import MOST_WORDS
from deferapp.executions.states import State

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ID = UUID("0199e2a4-7d11-7c3e-9d4e-5a0d2f1b6c7e")


def test_nothing_searches_for_nothing() -> None:
    assert parse("  ", NOW) == Search(text="")


def test_each_word_is_read() -> None:
    text = (
        f"state:failed fn:mail.* meta.tenant:acme since:2h until:2026-11-01T12:00Z parent:{ID} error:ab12 id:{ID} foo"
    )
    assert parse(f"  {text} ", NOW) == Search(
        text=text,
        states=frozenset({State.FAILED}),
        functions=("mail.*",),
        ids=(str(ID),),
        metadata={"tenant": "acme"},
        since=NOW - timedelta(hours=2),
        until=datetime(2026, 11, 1, 12, tzinfo=UTC),
        parent=ID,
        error="ab12",
        free=("foo",),
    )


def test_states_are_joined_by_commas_or_said_one_by_one_in_any_case() -> None:
    wanted = frozenset({State.FAILED, State.ABORTED, State.STARTED})
    assert parse("state:failed,aborted State:STARTED", NOW).states == wanted


@override_settings(TIME_ZONE="Europe/Berlin")
def test_days_are_of_the_projects_zone_and_until_a_day_counts_it() -> None:
    search = parse("since:2026-11-01 until:2026-11-02", NOW)
    assert search.since == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert search.until == datetime(2026, 11, 2, 23, tzinfo=UTC)


def test_durations_count_back() -> None:
    search = parse('since:"3 days" until:90s', NOW)
    assert (search.since, search.until) == (NOW - timedelta(days=3), NOW - timedelta(seconds=90))


def test_quotes_keep_spaces_and_colons_together() -> None:
    search = parse('meta.tenant:"Acme Inc: West" "meta.a b:c"', NOW)
    assert search.metadata == {"tenant": "Acme Inc: West", "a b": "c"}


def test_the_case_of_a_key_of_metadata_is_kept() -> None:
    assert parse("meta.Order-Id:7", NOW).metadata == {"Order-Id": "7"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("state:broken", "state:broken: broken is no state. There are created, started"),
        ("state:", "Nothing follows state:"),
        ("stat:failed", "stat:failed is no word of a search. Did you mean state:?"),
        ("arguments:7", "arguments:7 is no word of a search. There are state:, fn:, since:"),
        ("since:yesterday", "since:yesterday: this is no time; write"),
        ("since:2026-13-01", "since:2026-13-01: this is no time"),
        ("since:99999999weeks", "since:99999999weeks: this is no time"),
        ("until:-2h", "until:-2h: this is no time"),
        ("parent:7", "parent:7: this is no id"),
        ("id:xyz", "id:xyz: this is neither an id nor the end of one"),
        ("id:abc", "id:abc: this is neither"),
        ("since:1h since:2h", "since:2h: another one stands before it"),
        ("until:1h until:2h", "until:2h: another"),
        ("error:a error:b", "error:b: another"),
        (f"parent:{ID} parent:{UUID(int=1)}", f"parent:{UUID(int=1)}: another"),
        ("meta.a:1 meta.a:2", "meta.a:2: another"),
        ("meta.:1", "meta.:1: metadata: the key '' is not"),
        ("meta.a:ü", "meta.a:ü: metadata: the value of 'a' is not"),
        ('meta.a:"b', 'A " is not closed: "b'),
        ("a " * (MOST_WORDS + 1), f"at most {MOST_WORDS} words"),
    ],
)
def test_what_cannot_be_is_told_by_its_word(text: str, told: str) -> None:
    with pytest.raises(SearchError) as raised:
        parse(text, NOW)
    assert told in str(raised.value)


@given(st.text())
def test_any_text_is_a_search_or_a_search_error(text: str) -> None:
    with contextlib.suppress(SearchError):
        assert parse(text, NOW).text == " ".join(text.split())


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"'), min_size=1))
def test_a_quoted_value_is_read_back(value: str) -> None:
    assert parse(f"meta.k:{quoted(value)}", NOW).metadata == {"k": value}
