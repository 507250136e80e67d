"""Looking after the worklists of this process while they run, from a thread of its own.

Executions that wait behind a slow one, or behind the end of the worker, are given back for others to run; ends that are
noted behind a slow one are settled; enqueues that a body has made and not followed by others are written, and so is
what it has logged; bodies that take too long or are aborted are stopped.
The thread is started by the first worklist of a process and has its own database connection, opened only when needed.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from deferapp.clock import now
from deferapp.executions import collect, life
from deferapp.executions.endings import failure
from deferapp.executions.endings.failure import Failure
from deferapp.executions.logs import write as logs
from deferapp.executions.states import State
from deferapp.models import Execution, ledger
from deferapp.workers import bodies, persist, presence
from deferapp.workers.attempt import Ended
from deferapp.workers.bodies import Body
from deferapp.workers.record import record
from deferapp.workers.worklist import Worklist

logger = logging.getLogger("deferapp.workers")

INTERVAL: Final = 0.1
"""Seconds between two looks."""
PATIENCE: Final = 1.0
"""Seconds that an execution may hold up those behind it."""
ASK_INTERVAL: Final = 1.0
"""Seconds between two questions to the ledger, while a body or a list takes that long."""
GRACE: Final = 5.0
"""Seconds that a body has for its clean-up when it is stopped."""

_lock = threading.Lock()
_worklists: set[Worklist] = set()
_pid: int | None = None
_work = threading.Event()


@contextmanager
def watching(worklist: Worklist) -> Iterator[Worklist]:
    """Look after a worklist while it runs; what is left when its run breaks off is settled or given back."""
    with _lock:
        _start_in_this_process()
        _worklists.add(worklist)
        _work.set()
    try:
        yield worklist
    finally:
        with _lock:
            _worklists.discard(worklist)
            if not _worklists:
                _work.clear()
        persist.persist(worklist.noted.settle, persist.ANY_ERROR)
        _give_back(worklist)


def _start_in_this_process() -> None:
    global _pid
    if _pid != os.getpid():
        _pid = os.getpid()
        _worklists.clear()
        bodies.forget_all()
        threading.Thread(target=_watch, name="deferapp-watch", daemon=True).start()


def _watch() -> None:
    pause = threading.Event()
    asked = 0.0
    while True:
        if not _work.is_set():
            persist.drop_connections()  # A process that has nothing to do keeps none for this thread.
            _work.wait()
        pause.wait(INTERVAL)
        try:
            _look()
            if time.monotonic() - asked > ASK_INTERVAL:
                asked = time.monotonic()
                _ask_the_ledger()
                logs.write_of_the_long([body.log for body in bodies.running() if body.log])
        except persist.AWAY:
            persist.drop_connections()
        except Exception:
            logger.exception("Watching failed; it goes on")


def _look() -> None:
    for collector in collect.stale():
        collector.flush()
    for worklist in _listed():
        if worklist.noted.is_stale:
            worklist.noted.settle()
        if presence.node().is_draining or worklist.stalled_for() > PATIENCE:
            _give_back(worklist)
    for body in bodies.running():
        if body.is_overdue or body.stopped_for is not None:
            _stop(body, body.stopped_for or failure.timeout(body.limit))


def _ask_the_ledger() -> None:
    """Stop what people have aborted, and what is not this process's any more."""
    long_running = [body for body in bodies.running() if time.monotonic() - body.begun > ASK_INTERVAL / 2]
    # One that has been given up may run on beside its next attempt.
    running = {body.execution.id: body for body in long_running if not body.is_given_up}
    waiting = {execution.id: worklist for worklist in _listed() for execution in worklist.waiting()}
    ids = [*running, *waiting]
    if not ids:
        return
    presence.renew()
    rows = Execution.objects.using(ledger()).filter(id__in=ids).values_list("id", "state", "claim")
    for id, state, claim in rows:
        if id in running and (state == State.ABORTING or claim != running[id].execution.claim):
            _stop(running[id], failure.ABORTED)
        elif id in waiting and state == State.ABORTING:
            _return(waiting[id].surrender({id}))


def _stop(body: Body, why: Failure) -> None:
    """Stop a body; end its attempt without it if it cannot be stopped, or if it does not in time."""
    can_stop = body.stop(why)
    if body.is_given_up or (can_stop and time.monotonic() - body.stopped_at < GRACE):
        return
    ended = Ended(started_at=body.started_at, ended_at=now(), failure=why)
    record(body.function, body.execution, ended, body.log)
    body.is_given_up = True
    if can_stop and not body.function.is_async and os.getpid() != presence.node().pid:
        _end_process_of(body)


def _end_process_of(body: Body) -> None:
    """Kill this pool child. Its next message waits for our lock, lest the kill meets a body that has just begun."""
    with _lock:
        for worklist in _worklists:
            _give_back(worklist)
        if not body.is_over:
            logger.error("%s does not stop; its process is killed", body.execution)
            os.kill(os.getpid(), signal.SIGKILL)


def _listed() -> list[Worklist]:
    with _lock:
        return list(_worklists)


def _give_back(worklist: Worklist) -> None:
    _return(worklist.surrender())


def _return(executions: list[Execution]) -> None:
    if executions:
        persist.persist(partial(life.give_back, executions), persist.ANY_ERROR)
