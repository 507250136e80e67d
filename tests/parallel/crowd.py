"""A process that does, in random order, what workers and people do to the executions of a ledger, until all have ended.

It says `ready`, waits for a line, and prints a line for each body that it runs and each attempt that it settles.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import uuid4

from django.db import connection

from deferapp.clock import now
from deferapp.dispatch import overdue
from deferapp.exceptions import DeferError
from deferapp.executions import again, children, life, pauses
from deferapp.executions.batches import hooks
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.states import ENDED, State
from deferapp.functions import registry
from deferapp.models import Execution
from deferapp.schedules import tick
from deferapp.tallies import fold
from deferapp.workers import presence
from deferapp.workers.persist import persist
from tests.unit.rows import function_named

FREE = function_named("crowd.defer.free")
LIMITED = function_named("crowd.defer.limited", concurrency=3)
FUNCTIONS: Final = (FREE, LIMITED)
ATTEMPTS: Final = 3
"""After so many an execution is not tried again."""
TURNS: Final = 60
"""After so many, people leave the executions alone, so that they come to an end."""


class Somebody:
    """A worker, and those who interfere."""

    def __init__(self, seed: int, *, repeats: bool) -> None:
        """`repeats`: what the database refuses, as workers do."""
        self._random = random.Random(seed)
        self._do: Callable[[Callable[[], Any]], Any] = persist if repeats else lambda call: call()
        self._worker = self._do(presence.current)
        self._turns = 0

    def go_on(self) -> bool:
        """Do one thing, all the same at first. False if nothing is left to be done."""
        self._turns += 1
        if self._turns == 1:
            self._do(tick.tick)
        elif self._turns < TURNS and self._random.random() < 0.4:
            self._interfere()
        else:
            self._work()
        return Execution.objects.exclude(state__in=ENDED).exists()

    def _ids(self, **fields: Any) -> list[Any]:
        ids = list(Execution.objects.filter(**fields).values_list("id", flat=True))
        return self._random.sample(ids, min(len(ids), self._random.randint(1, 12)))

    def _work(self) -> None:
        function = self._random.choice(FUNCTIONS)
        ids = self._ids(function=function.name, state=State.CREATED)
        if not ids:
            return
        most = self._random.randint(1, 5)
        claim = partial(life.claim, function, ids, claim=uuid4(), worker_id=self._worker.pk, most=most)
        for execution in self._do(claim):
            if self._random.random() < 0.2:
                self._do(partial(life.give_back, [execution]))
            else:
                self._run(execution)

    def _run(self, execution: Execution) -> None:
        print("ran", execution.id, execution.attempt)
        moment, fails = now(), self._random.random() < 0.5
        ending = Ending(
            execution=execution,
            started_at=moment,
            ended_at=moment,
            failure=failure.of(ValueError("no")) if fails else None,
            retry_at=moment if fails and execution.attempt < ATTEMPTS else None,
        )
        if self._do(partial(life.settle, [ending], worker="crowd")):
            print("settled", execution.id, execution.attempt)

    def _interfere(self) -> None:
        parent = Execution.objects.order_by("id").values_list("parent_id", flat=True).first()
        one = Execution(id=self._random.choice(self._ids() or [uuid4()]), function=FREE.name)
        self._do(
            self._random.choice(
                [
                    partial(life.cancel, *self._ids()[:2]),
                    partial(life.abort, *self._ids()[:2]),
                    partial(_if_it_may, partial(one.cancel, force=True)),
                    partial(_if_it_may, partial(again.reschedule, one, None)),
                    partial(children.retry_failed, parent),
                    life.expire,
                    overdue.publish,
                    hooks.fire,
                    fold.fold,
                    tick.tick,
                    presence.beat,
                    partial(presence.keeps_house, self._worker),
                    partial(pauses.pause, FREE.name),
                ]
            )
        )
        self._do(partial(pauses.resume, FREE.name))


def _if_it_may(act: Callable[[], object]) -> None:
    try:
        act()
    except DeferError:
        return


def main(seed: int, *, repeats: bool) -> None:
    registry._functions.update({function.name: function for function in FUNCTIONS})
    connection.ensure_connection()
    somebody = Somebody(seed, repeats=repeats)
    print("ready", flush=True)
    sys.stdin.readline()
    while somebody.go_on():
        sys.stdout.flush()
