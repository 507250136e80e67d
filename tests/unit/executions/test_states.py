"""The states and the moves between them."""

from __future__ import annotations

from itertools import product

import pytest

from deferapp.exceptions import MoveError
from deferapp.executions import life
from deferapp.executions.states import ENDED, MOVES, State
from deferapp.models import Execution

# As Defer has them, and giving back what was claimed and has not begun.
MOVES_OF_DEFER = {
    ("created", "started"),
    ("started", "succeeded"),
    ("started", "failed"),
    ("failed", "created"),
    ("created", "cancelled"),
    ("started", "aborting"),
    ("aborting", "aborted"),
    ("created", "discarded"),
    ("started", "created"),
}


def test_the_moves_are_those_of_defer_and_giving_back() -> None:
    assert {(str(before), str(after)) for before, after in MOVES} == MOVES_OF_DEFER


def test_nothing_leaves_an_end_but_a_failure_that_is_retried() -> None:
    assert {move for move in MOVES if move[0] in ENDED} == {(State.FAILED, State.CREATED)}


def test_every_state_is_an_end_or_leads_to_one() -> None:
    reached = set(ENDED)
    while found := {before for before, after in MOVES if after in reached} - reached:
        reached |= found
    assert reached == set(State)


@pytest.mark.parametrize("move", sorted(set(product(State, State)) - MOVES), ids=" to ".join)
def test_a_move_that_is_not_in_the_table_is_refused_before_the_database_is_asked(move: tuple[State, State]) -> None:
    with pytest.raises(MoveError, match=f"from {move[0]} to {move[1]}"):
        life._move(Execution.objects.none(), *move)
