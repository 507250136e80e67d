"""What the tests of faults share: they say what they saw, for the table at the end of the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.table import ROWS

SayFigure = Callable[[str, str], None]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> SayFigure:
    """`figure("child killed", "0 lost, again after 0.9 s")` puts what this test saw into the row of its fault."""

    def say(row: str, seen: str) -> None:
        assert row in ROWS, f"{row!r} is no row of the table of faults"
        request.node.user_properties.append(("figure", [row, seen]))

    return say
