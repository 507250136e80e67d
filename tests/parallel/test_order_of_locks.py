"""Statements that change several executions lock them in one order, whatever plan the database chooses for each.

Otherwise two of them may each wait for a row that the other one has, until the database breaks one off. To see it, one
is made to find rows by an index, in the order of their ids, and another one in the order of their places in the table,
which is made the opposite. Somebody holds the row in the middle until both have gone as far as they can.
"""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from functools import partial

import pytest
from django.db import connection

from deferapp.models import Execution
from tests.parallel import moves
from tests.parallel.actors import wait_until_stuck
from tests.parallel.conftest import Actors
from tests.parallel.moves import heard, make_scene

GROUPS = {
    "waiting": (
        *("claim", "claim under a limit", "claim under a limit that cancels", "cancel", "leave to housekeeping"),
        *("publish what waits", "resume", "cancel children"),
    ),
    "late": ("claim", "expire", "cancel"),
    "started": ("settle as failed", "settle for another attempt", "give back", "abort", "recover", "cancel children"),
    "failed": ("retry", "retry failed children", "prune"),
}
"""By the kind of executions: what changes several of them."""


def plan_by(**methods: bool) -> None:
    """Let this connection find rows by these methods alone, where it can."""
    with connection.cursor() as cursor:
        for method in ("seqscan", "indexscan", "bitmapscan"):
            cursor.execute(f"SET enable_{method} = {'on' if methods.get(method) else 'off'}")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("known_function", "database")
@pytest.mark.parametrize("is_heard", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize("kind", GROUPS)
def test_no_two_statements_wait_for_each_other_in_a_circle(kind: str, is_heard: bool, actors: Actors) -> None:
    one, another, holder = actors(3)
    one.do(partial(plan_by, indexscan=True))
    another.do(partial(plan_by, seqscan=True))
    for first, second in itertools.product(GROUPS[kind], repeat=2):
        moves.clear()
        scene = make_scene([kind] * 3)
        middle = Execution.objects.select_for_update().filter(pk=scene.rows[1][1].pk)
        with heard(scene) if is_heard else nullcontext(), holder.in_transaction(lambda rows=middle: list(rows)):
            doing = [
                (actor, actor.begin(partial(moves.make, scene, actor.name, name, singly=False)))
                for actor, name in ((one, first), (another, second))
            ]
            for actor, done in doing:
                wait_until_stuck(actor, done)
        for _, done in doing:
            done.result()
