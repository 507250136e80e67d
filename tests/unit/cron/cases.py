"""Cases that other implementations of cron agree on, and a slow reference that shares nothing with ours."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

MINUTE = timedelta(minutes=1)

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties: a machine that is busy with other tests proves nothing about them."""


def _load(name: str) -> dict[str, Any]:
    return json.loads((Path(__file__).parent / name).read_text())


VALID = _load("valid.json")
INVALID = _load("invalid.json")
START = datetime.fromisoformat(VALID["start"])


def moments(texts: Iterable[str]) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in texts]


@dataclass(frozen=True, kw_only=True)
class FieldCase:
    """A field's text and what it means, known because the text was made from it."""

    text: str
    values: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A whole expression, minute to day of week, with the rule that joins the day fields."""

    fields: tuple[FieldCase, ...]

    @property
    def text(self) -> str:
        return " ".join(field.text for field in self.fields)

    def matches(self, moment: datetime) -> bool:
        minute, hour, day, month, weekday = self.fields
        on_day = moment.day in day.values
        on_weekday = moment.isoweekday() in weekday.values or moment.isoweekday() % 7 in weekday.values
        either = not day.text.startswith("*") and not weekday.text.startswith("*")
        return (
            moment.minute in minute.values
            and moment.hour in hour.values
            and moment.month in month.values
            and (on_day or on_weekday if either else on_day and on_weekday)
        )

    def comes(self) -> bool:
        """Whether it comes at all, looked up in the 28 years after which the calendar repeats itself."""
        first = datetime(2000, 1, 1, min(self.fields[1].values), min(self.fields[0].values), tzinfo=UTC)
        return any(self.matches(first + timedelta(days=days)) for days in range(28 * 366))


def _items(first: int, last: int, longest_step: int) -> st.SearchStrategy[FieldCase]:
    number = st.integers(first, last)
    pair = st.tuples(number, number).map(sorted)
    step = st.integers(1, longest_step)

    def case(text: str, values: Iterable[int]) -> FieldCase:
        return FieldCase(text=text, values=frozenset(values))

    return st.one_of(
        number.map(lambda low: case(f"{low}", [low])),
        pair.map(lambda ends: case(f"{ends[0]}-{ends[1]}", range(ends[0], ends[1] + 1))),
        st.tuples(number, step).map(lambda p: case(f"{p[0]}/{p[1]}", range(p[0], last + 1, p[1]))),
        step.map(lambda each: case(f"*/{each}", range(first, last + 1, each))),
        st.tuples(pair, step).map(lambda p: case(f"{p[0][0]}-{p[0][1]}/{p[1]}", range(p[0][0], p[0][1] + 1, p[1]))),
    )


def _fields(first: int, last: int, longest_step: int) -> st.SearchStrategy[FieldCase]:
    every = st.just(FieldCase(text="*", values=frozenset(range(first, last + 1))))
    lists = st.lists(_items(first, last, longest_step), min_size=1, max_size=4).map(
        lambda items: FieldCase(
            text=",".join(item.text for item in items),
            values=frozenset().union(*(item.values for item in items)),
        )
    )
    return every | lists


CASES = st.tuples(
    _fields(0, 59, 60),
    _fields(0, 23, 24),
    _fields(1, 31, 31),
    _fields(1, 12, 12),
    _fields(0, 7, 7),
).map(lambda fields: Case(fields=fields))
"""Expressions of every form; those that never come are among them."""

MOMENTS = st.datetimes(
    datetime(1999, 12, 1),  # noqa: DTZ001
    datetime(2104, 3, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
"""Around the leap day of 2000, which was one, and that of 2100, which will not be."""
