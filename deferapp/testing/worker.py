"""This process as the worker of a test: `workers.run` in its own thread, on its own connections, at its own time.

What a worker process has besides is put aside while it runs: the thread that watches and the loop in a thread of its
own, which have other database connections than the test; heartbeats; and the patience with a database that is away.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from unittest import mock
from uuid import UUID

from asgiref.sync import async_to_sync, sync_to_async
from django.test import override_settings

from deferapp import conf
from deferapp.models import Worker
from deferapp.testing.broker import no_broker
from deferapp.testing.transactions import TestTransactions
from deferapp.workers import attempt, loop, persist, presence, process, watch
from deferapp.workers.run import run

if TYPE_CHECKING:
    from deferapp.executions.current import CurrentExecution
    from deferapp.functions.registry import AnyFunction
    from deferapp.models import Execution
    from deferapp.workers.attempt import Ended, Gone
    from deferapp.workers.worklist import Worklist

NAME = "test"
"""What attempts say of the worker that made them."""


class TestWorker:
    """A worker for as long as the block lasts."""

    __test__ = False

    def __init__(self) -> None:
        self.attempts = 0
        """How many it has made."""
        self.ran: dict[UUID, None] = {}
        """The executions that it has made attempts of, in the order of the first."""
        self._stack = ExitStack()
        self._transactions = TestTransactions()

    def __enter__(self) -> Self:
        self._stack.enter_context(no_broker())
        self._stack.enter_context(override_settings(DEFER={**conf.declared(), "ASYNC_CONCURRENCY": 1}))
        for module, name, instead in self._instead():
            self._stack.enter_context(mock.patch.object(module, name, instead))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        if error[0] is None:
            self._transactions.end()

    def run(self, function: AnyFunction, ids: Sequence[UUID]) -> None:
        run(function, ids)
        self._transactions.commit()

    def _instead(self) -> Iterator[tuple[Any, str, object]]:
        """What stands in for parts of a worker process, by module and name."""
        yield presence, "_node", _node()
        yield presence, "current", _worker
        yield presence, "renew", _worker
        yield watch, "watching", _unwatched
        yield loop, "run", _run_here
        yield persist, "_pause", _give_up
        yield persist, "tidy_connections", self._tidy(persist.tidy_connections, persist.open_blocks())
        yield attempt, "make", self._make(attempt.make)
        yield attempt, "amake", self._amake(attempt.amake)
        yield attempt, "ENDS_OF_WORKER", (*attempt.ENDS_OF_WORKER, KeyboardInterrupt)

    def _make(self, make: Callable[..., Ended | Gone]) -> Callable[..., Ended | Gone]:
        def instead(function: AnyFunction, execution: Execution, current: CurrentExecution) -> Ended | Gone:
            self._begin(execution)
            return make(function, execution, current)

        return instead

    def _amake(
        self, amake: Callable[..., Coroutine[Any, Any, Ended | Gone]]
    ) -> Callable[..., Coroutine[Any, Any, Ended | Gone]]:
        async def instead(function: AnyFunction, execution: Execution, current: CurrentExecution) -> Ended | Gone:
            await sync_to_async(self._begin)(execution)
            return await amake(function, execution, current)

        return instead

    def _begin(self, execution: Execution) -> None:
        self.attempts += 1
        self.ran[execution.id] = None
        self._transactions.commit()
        self._transactions.begin_body()

    def _tidy(
        self, tidy: Callable[[dict[str, int]], None], blocks_of_the_test: dict[str, int]
    ) -> Callable[[dict[str, int]], None]:
        def instead(_blocks: dict[str, int]) -> None:
            self._transactions.end_body()
            self._transactions.commit()
            tidy(blocks_of_the_test)

        return instead


@cache
def _node() -> presence.Node:
    return presence.Node(name=NAME, pool="", supervisor=process.this())


def _worker() -> Worker:
    """Not in the ledger: nobody could recover for it."""
    return Worker(pk=0, node=NAME, host=process.host(), process=_node().supervisor)


@contextmanager
def _unwatched(worklist: Worklist) -> Iterator[Worklist]:
    try:
        yield worklist
    finally:
        watch._give_back(worklist)


def _run_here(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """In the thread of the test, so that its database connection is that of the bodies."""

    async def await_it() -> Any:
        return await coroutine

    return async_to_sync(await_it)()


def _give_up(_tries: int) -> float:
    """Raise what the database raised, which is being handled: a test does not wait until it is mended."""
    raise
