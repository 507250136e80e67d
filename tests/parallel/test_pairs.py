"""Every two moves at once, on the same executions: each ends as if one had been made after the other.

That is what "exactly one wins" means, for any two of them: which orders there are is tried out beforehand. Nothing may
fail either, for want of a lock: two statements that wait for each other in a circle would be no better than one.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import pytest

from tests.parallel import moves
from tests.parallel.actors import at_once
from tests.parallel.conftest import Actors
from tests.parallel.databases import Database
from tests.parallel.moves import KINDS, MOVES, SWEEPS, Seen, heard, make_scene, shuffled

ROUNDS = int(os.environ.get("ROUNDS", "0"))
"""How often the moves of a pair are made at once in each way; if nothing is said once, and not all pairs everywhere."""
SAMPLE = 3
"""Moves that meet a move, besides itself, where refusals make it slow."""
ALL = [*MOVES, *SWEEPS]
WHO = ("one", "another")
LEAVE_WHAT_IS_LOCKED = {"recover", "expire", "prune"}
"""To the next round of housekeeping."""

Orders = dict[str, set[Seen]]
"""By the kind of an execution: what may become of it."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """How moves are made."""

    singly: bool
    """Whether executions are moved one after the other, or together by one statement."""
    is_heard: bool
    """Whether somebody listens to signals."""

    def shows(self, seen: Seen) -> Seen:
        """What is to be seen in this way of what is to be seen if they are moved singly and somebody listens."""
        return seen._replace(told=seen.told if self.is_heard else (), movers=seen.movers if self.singly else ())


SHOWS_ALL = Way(singly=True, is_heard=True)
WAYS = (SHOWS_ALL, Way(singly=False, is_heard=True), Way(singly=False, is_heard=False))


def seen_after(names: Sequence[str], way: Way, run: Callable[[list[Callable[[], None]]], object]) -> list[Any]:
    """Let the two moves be made to new executions. Returns what has become of each."""
    moves.clear()
    scene = make_scene(shuffled([*KINDS] * (1 if way.singly else 3)))
    calls = [partial(moves.make, scene, who, name, singly=way.singly) for who, name in zip(WHO, names, strict=True)]
    with heard(scene) if way.is_heard else nullcontext():
        run(calls)
        for name in {*names} & LEAVE_WHAT_IS_LOCKED:
            moves.SWEEPS[name](scene)
    return moves.seen(scene)


@cache
def orders_of(*names: str) -> Orders:
    """What becomes of executions if one move is made after the other, whichever comes first: everywhere the same."""
    orders: Orders = defaultdict(set)
    for turn in (1, -1):
        for kind, seen in seen_after(names, SHOWS_ALL, lambda calls, turn=turn: [call() for call in calls[::turn]]):
            orders[kind].add(seen)
    return orders


@pytest.mark.usefixtures("known_function")
@pytest.mark.parametrize("first", ALL)
def test_two_moves_at_once_end_as_one_after_the_other(first: str, database: Database, actors: Actors) -> None:
    """This move, and itself or one that comes after it in the list."""
    pair = actors(2)
    others = ALL[ALL.index(first) + 1 :]
    if database.refuses_some and not ROUNDS:
        others = random.sample(others, min(SAMPLE, len(others)))
    for second in (first, *others):
        orders = orders_of(first, second)
        for way in WAYS * (ROUNDS or 1):
            for kind, seen in seen_after((first, second), way, lambda calls: at_once(pair, *calls)):
                assert seen in map(way.shows, orders[kind]), f"{kind}, {first} and {second}, {way}"
