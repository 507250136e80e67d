"""Those who do something at the same time: each has a thread, and a database connection, of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from django.db import connections, transaction

from tests.parallel.databases import ALIAS, Database
from tests.waiting import wait_until

T = TypeVar("T")

LIMIT_SECONDS = 60.0


class Pause:
    """Stops somebody after a statement that has these words, or before it, until told to go on."""

    def __init__(self, *words: str, number: int = 1, before: bool = False) -> None:
        """`number`: which of the statements with the words."""
        self._words = words
        self._left = number
        self._before = before
        self._reached = threading.Event()
        self._may_go = threading.Event()

    def __call__(self, execute: Callable[..., T], sql: str, params: Any, many: bool, context: Any) -> T:
        self._left -= all(word in sql for word in self._words)
        is_here = self._left == 0 and not self._reached.is_set()
        if is_here and self._before:
            self._stop()
        result = execute(sql, params, many, context)
        if is_here and not self._before:
            self._stop()
        return result

    def _stop(self) -> None:
        self._reached.set()
        assert self._may_go.wait(LIMIT_SECONDS), "nobody let it go on"

    @contextlib.contextmanager
    def reached_by(self, doing: Future[Any]) -> Iterator[None]:
        """The block is what happens while it stands there; it goes on afterwards."""
        wait_until(lambda: self._reached.is_set() or doing.done(), LIMIT_SECONDS, f"a statement with {self._words}")
        assert self._reached.is_set(), f"no statement with {self._words}: it came to {doing.result()}"
        try:
            yield
        finally:
            self._may_go.set()


class Actor:
    """Somebody with a thread and a connection."""

    def __init__(self, name: str, database: Database) -> None:
        self.name = name
        self._database = database
        self._session: int | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection = self._pool.submit(lambda: connections[ALIAS]).result(LIMIT_SECONDS)

    def begin(self, call: Callable[[], T], pause: Pause | None = None) -> Future[T]:
        """Let it do something meanwhile; again, as workers do, if the database refuses it where it may refuse some."""
        return self._pool.submit(partial(self._do, self._database.repeated(call), pause))

    def begin_together(self, call: Callable[[], T], start: threading.Barrier) -> Future[T]:
        """`begin` as soon as the others are ready too."""
        return self._pool.submit(partial(self._do, self._database.repeated(call), start=start))

    def do(self, call: Callable[[], T]) -> T:
        """Let it do something, to the end."""
        return self.begin(call).result(LIMIT_SECONDS)

    def _do(self, call: Callable[[], T], pause: Pause | None = None, *, start: threading.Barrier | None = None) -> T:
        if start:
            start.wait(LIMIT_SECONDS)
        with contextlib.ExitStack() as wrapped:
            wrapped.enter_context(self._connection.execute_wrapper(self._note_session))
            if pause:
                wrapped.enter_context(self._connection.execute_wrapper(pause))
            return call()

    def _note_session(self, execute: Callable[..., T], *statement: Any) -> T:
        self._session = self._database.session_of(self._connection)
        return execute(*statement)

    @contextlib.contextmanager
    def in_transaction(self, call: Callable[[], T], *, rolls_back: bool = False) -> Iterator[T]:
        """Let it do something in a transaction, which is open in the block and ends with it."""
        done: Future[T] = Future()
        may_end = threading.Event()

        def stay() -> None:
            with transaction.atomic():
                done.set_result(call())
                assert may_end.wait(LIMIT_SECONDS), "nobody ended the transaction"
                transaction.set_rollback(rolls_back)

        ended = self._pool.submit(partial(self._do, stay))
        ended.add_done_callback(lambda _: done.done() or done.set_exception(ended.exception() or AssertionError()))
        try:
            yield done.result(LIMIT_SECONDS)
        finally:
            may_end.set()
            ended.result(LIMIT_SECONDS)

    def waits(self) -> bool:
        """Whether what it does waits for a lock."""
        return self._session is not None and self._database.is_waiting(self._session)

    def close(self) -> None:
        self._pool.submit(connections.close_all).result(LIMIT_SECONDS)
        self._pool.shutdown()


def at_once(actors: Sequence[Actor], *calls: Callable[[], T]) -> list[T]:
    """Begin all calls together, each by an actor, and return what they return."""
    start = threading.Barrier(len(calls))
    doing = [actor.begin_together(call, start) for actor, call in zip(actors, calls, strict=True)]
    return [each.result(LIMIT_SECONDS) for each in doing]


def wait_until_stuck(actor: Actor, doing: Future[Any]) -> None:
    """Return when it waits for a lock, or has done what it does."""
    wait_until(lambda: doing.done() or actor.waits(), LIMIT_SECONDS, f"{actor.name} waits, or is done")
