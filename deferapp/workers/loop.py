"""The event loop that async functions run on: one a process, in a thread of its own, kept from message to message.

So it is the same in every pool: a pool child brings it one message at a time, threads several at once.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_mine: tuple[int, asyncio.AbstractEventLoop] | None = None


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on this process's loop and wait for it."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop()).result()


def _loop() -> asyncio.AbstractEventLoop:
    global _mine
    with _lock:
        if _mine is None or _mine[0] != os.getpid():
            _mine = os.getpid(), _start()
        return _mine[1]


def _start() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="deferapp-loop", daemon=True).start()
    return loop
