from __future__ import annotations

from datetime import timedelta

import pytest

from deferapp.health import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (3.24, "3.2 s"), (-90, "90 s"), (119, "119 s"), (300, "5 min"), (7_200, "2 h"), (259_200, "3 days")],
)
def test_a_length_of_time_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert words.span(timedelta(seconds=seconds)) == text


def test_of_many_names_some_are_told_and_the_others_counted() -> None:
    assert words.some(["a", "b", "c", "d"]) == "a, b, c, d"
    assert words.some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 others"


def test_counting_that_stopped_is_told() -> None:
    assert words.count(1, "execution", 1_000) == "1 execution"
    assert words.count(12, "execution", 1_000) == "12 executions"
    assert words.count(1_000, "execution", 1_000) == "at least 1,000 executions"
