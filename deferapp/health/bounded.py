"""Waiting for what may never answer: a broker or a database that hangs keeps a thread, and nobody else.

The thread that is not waited for any longer goes on until its system call returns, and does not keep the process from
ending. It has database connections of its own, which it closes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


class TooSlow(Exception):
    """There was no answer in time."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns or raises; `TooSlow` if it takes longer."""
    future = begin(call)
    try:
        return future.result(seconds)
    except TimeoutError:
        if future.done():  # It is what the call itself raised.
            raise
        raise TooSlow(f"no answer within {seconds:g} s") from None


def begin(call: Callable[[], T]) -> Future[T]:
    """Call it in a thread, and give what will hold its answer."""
    future: Future[T] = Future()
    threading.Thread(target=_run, args=(call, future), name="deferapp-health", daemon=True).start()
    return future


def _run(call: Callable[[], T], future: Future[T]) -> None:
    try:
        answer = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(answer)
    finally:
        connections.close_all()
