"""The line of states that an execution has gone through."""

from __future__ import annotations

import pytest
from django.utils.html import strip_tags

from deferapp.admin.execution_page.path import steps
from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution


def told(state: str, attempts: int, *, first: int = 1) -> str:
    """The words of the line, after so many attempts that have ended."""
    made = [Attempt(number=first + index, started_at=now(), ended_at=now()) for index in range(attempts)]
    line = steps(Execution(function="f", state=state), made)
    return " → ".join(strip_tags(step).split(" ", 1)[1] for step in line)


@pytest.mark.parametrize(
    ("state", "attempts", "line"),
    [
        ("created", 0, "created"),
        ("started", 0, "created → started"),
        ("succeeded", 1, "created → started → succeeded"),
        ("failed", 1, "created → started → failed"),
        ("created", 1, "created → started → failed → created"),
        ("succeeded", 2, "created → started → failed → created → started → succeeded"),
        ("started", 12, "created → 12 attempts failed → created → started"),
        ("succeeded", 13, "created → 12 attempts failed → created → started → succeeded"),
        ("aborting", 0, "created → started → aborting"),
        ("aborted", 1, "created → started → aborted"),
        ("cancelled", 0, "created → cancelled"),
        ("cancelled", 1, "created → started → failed → created → cancelled"),
        ("discarded", 0, "created → discarded"),
    ],
)
def test_the_line_leads_from_created_to_now(state: str, attempts: int, line: str) -> None:
    assert told(state, attempts) == line


def test_attempts_that_are_not_at_hand_are_counted_too() -> None:
    assert told("succeeded", 20, first=31) == "created → 49 attempts failed → created → started → succeeded"


@pytest.mark.parametrize("state", State)
def test_every_line_ends_with_the_state_of_now(state: State) -> None:
    assert told(state, 0).endswith(str(state.label))
