"""Counting what has ended while others count, end more, or are killed: each end is in the tallies once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.db import connections
from django.db.models import Sum

from deferapp.clock import now
from deferapp.executions import life
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.models import Alert, ErrorGroup, Tally, TallyEntry
from deferapp.tallies import fold, rebuild
from tests.parallel.actors import Pause, at_once, wait_until_stuck
from tests.parallel.conftest import KINDS, Actors
from tests.parallel.databases import ALIAS, Database
from tests.unit.rows import SECOND, function_named, make_executions

pytestmark = pytest.mark.usefixtures("database")

T = TypeVar("T")
FUNCTION = function_named("shop.defer.mail")
SPANS = ("minute", "hour", "6hours", "day", "ever")
LOCKS_ROWS = sorted({*KINDS} - {"sqlite", "sqlite-defaults"})


def end(count: int, *, fails: bool = False) -> None:
    """Let executions end."""
    ids = [execution.id for execution in make_executions(count, FUNCTION.name)]
    held = life.claim(FUNCTION, ids, claim=uuid4(), worker_id=1, most=count)
    moment = now()
    why = failure.of(ValueError("no")) if fails else None
    endings = [Ending(execution=each, started_at=moment - SECOND, ended_at=moment, failure=why) for each in held]
    assert life.settle(endings, worker="w") == count


def counted() -> dict[str, int]:
    """How many ends the tallies of each span have, of all functions; the histograms agree.

    What is counted for ever is of each function alone.
    """
    own = dict(Tally.objects.exclude(function="").order_by().values_list("span").annotate(Sum("count")))
    found = {"ever": own["ever"]} if own else {}
    for tally in Tally.objects.filter(function=""):
        assert sum(tally.durations.values()) == sum(tally.waits.values()) == tally.count
        found[tally.span] = found.get(tally.span, 0) + tally.count
    assert found == own
    return found


def is_counted_once(count: int) -> bool:
    assert counted() == dict.fromkeys(SPANS, count)
    return not TallyEntry.objects.exists()


def fold_all() -> int:
    """Rounds until nothing is left."""
    count = 0
    while TallyEntry.objects.exists():
        count += fold.fold()
    return count


def test_what_several_fold_at_once_is_counted_once(actors: Actors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "MOST_AT_ONCE", 7)
    end(80)
    end(20, fails=True)
    folded = at_once(actors(3), *[fold_all] * 3)
    assert sum(folded) == 100
    assert is_counted_once(100)


@pytest.mark.parametrize("statement", ["INSERT", "DELETE"])
def test_who_comes_while_somebody_folds_leaves_it_to_him(statement: str, actors: Actors) -> None:
    end(5)
    one, another = actors(2)
    pause = Pause(statement, "deferapp_tally", before=True)
    folding = one.begin(fold.fold, pause)
    with pause.reached_by(folding):
        second = another.begin(fold.fold)
        wait_until_stuck(another, second)
    assert folding.result() == 5
    assert second.result() == 0
    assert is_counted_once(5)


def test_what_ends_while_somebody_folds_is_left_to_the_next_round(actors: Actors) -> None:
    end(5)
    one, another = actors(2)
    pause = Pause("DELETE", "deferapp_tallyentry", before=True)
    folding = one.begin(fold.fold, pause)
    with pause.reached_by(folding):
        ending = another.begin(partial(end, 3))
        wait_until_stuck(another, ending)
    ending.result()
    assert folding.result() + fold_all() == 8
    assert is_counted_once(8)


class Killed(Exception):
    """The process is not there any more."""


class Kill:
    """Before the statement of this number its transaction is gone, as if the process had been killed."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, execute: Callable[..., T], sql: str, params: Any, many: bool, context: Any) -> T:
        self._left -= 1
        if self._left == 0:
            context["connection"].connection.rollback()
            raise Killed
        return execute(sql, params, many, context)


@pytest.mark.parametrize("act", [fold.fold, partial(rebuild.rebuild, None)], ids=["fold", "rebuild"])
def test_whoever_is_killed_between_two_statements_each_end_is_counted_once(
    act: Callable[[], int], actors: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "_complete_since", lambda moment: rebuild.beginning(rebuild.Span.DAY, moment))
    end(2, fails=True)
    fold_all()
    ends, number, is_killed = 2, 0, True
    (one,) = actors(1)
    while is_killed:
        end(1, fails=number % 2 == 0)
        ends, number = ends + 1, number + 1
        try:
            one.do(partial(_under, Kill(number), act))
            is_killed = False
        except Killed:
            one.do(connections.close_all)
        assert counted()["day"] + TallyEntry.objects.count() == ends
    assert number > 8
    assert is_counted_once(ends)
    assert ErrorGroup.objects.count() == 1


def _under(wrapper: Any, act: Callable[[], T]) -> T:
    with connections[ALIAS].execute_wrapper(wrapper):
        return act()


def rebuild_today() -> int:
    return rebuild.rebuild(now())


@pytest.mark.parametrize("database", LOCKS_ROWS, indirect=True)
@pytest.mark.parametrize("words", [("SELECT", "deferapp_attempt"), ("DELETE", "deferapp_tally"), ("INSERT",)])
def test_what_ends_while_tallies_are_made_anew_is_counted_once(words: tuple[str, ...], actors: Actors) -> None:
    end(3)
    fold_all()
    Tally.objects.filter(span="hour").delete()
    end(4)
    one, another = actors(2)
    pause = Pause(*words)
    rebuilding = one.begin(rebuild_today, pause)
    with pause.reached_by(rebuilding):
        end(5, fails=True)
        assert another.do(fold.fold) == 0
    assert rebuilding.result() == 7
    assert counted() == dict.fromkeys(SPANS, 7)
    assert fold_all() == 5
    assert is_counted_once(12)
    assert Alert.objects.get().count == 5


def test_tallies_that_are_made_anew_while_somebody_folds_wait_for_it(actors: Actors, database: Database) -> None:
    end(3)
    one, another = actors(2)
    pause = Pause("DELETE", "deferapp_tallyentry", before=True)
    folding = one.begin(fold.fold, pause)
    with pause.reached_by(folding):
        rebuilding = another.begin(rebuild_today)
        wait_until_stuck(another, rebuilding)
    assert folding.result() == 3
    assert rebuilding.result() == 3
    assert is_counted_once(3)
