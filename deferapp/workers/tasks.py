"""The Celery tasks: one for each function, under its own name, and `deferapp.tick`, which beat rings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery import Task, shared_task

from deferapp.dispatch import message
from deferapp.exceptions import MessageError
from deferapp.schedules import TICK

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction

logger = logging.getLogger("deferapp.workers")


class LedgerTask(Task):  # type: ignore[misc]
    """A task that only says that there is work in the ledger.

    Whatever the project sets for its other tasks, globally or by annotation, does not apply: its messages are
    acknowledged early, never retried and have no result and no limits, since the ledger sees to all that.
    """

    abstract = True
    from_config = ()
    acks_late = False
    reject_on_worker_lost = False
    ignore_result = True
    store_errors_even_if_ignored = False
    track_started = False
    max_retries = 0
    rate_limit = None
    time_limit = NO_LIMIT = 0
    soft_time_limit = NO_LIMIT
    Strategy = "deferapp.workers.reception:strategy"
    serializer = "json"
    typing = False

    @classmethod
    def annotate(cls) -> None:
        """Take nothing from `task_annotations`."""


_registered: dict[str, AnyFunction] = {}


def register(function: AnyFunction) -> None:
    """Make a function known to every Celery app, also to those made later. Of two of one name the later one counts."""
    is_known, name = function.name in _registered, function.name
    _registered[name] = function
    if is_known:
        return

    def run(*args: Any, **kwargs: Any) -> None:
        from deferapp.workers.run import run as run_executions

        try:
            ids = message.parse(*args, **kwargs)
        except MessageError as error:
            logger.error("A message for %s was dropped; its executions stay in the ledger: %s", name, error)
            return
        run_executions(_registered[name], ids)

    run.__doc__ = function.func.__doc__
    run.__module__ = function.func.__module__
    shared_task(run, name=name, base=LedgerTask)


def register_tick() -> None:
    def tick(*_args: Any, **_kwargs: Any) -> None:
        from deferapp.schedules import silence
        from deferapp.schedules.tick import tick as fire
        from deferapp.workers.persist import check_connections

        check_connections()
        silence.heard_ring()
        fire()

    shared_task(tick, name=TICK, base=LedgerTask)
