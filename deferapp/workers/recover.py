"""What a dead worker leaves behind: the attempts it was in are lost, the executions it had not begun are given back.

The executions of a sync function begin one after the other, each when the one before has been settled; so of a claim
the oldest that is left had begun, and no other.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import groupby

from django.db.models import Exists, OuterRef, QuerySet

from deferapp.clock import now
from deferapp.dispatch import publish
from deferapp.executions import life
from deferapp.executions.endings import failure, outcome
from deferapp.executions.endings.failure import Failure
from deferapp.executions.life import Ending
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.functions.config import Config
from deferapp.models import Execution, Worker, ledger
from deferapp.workers import presence

logger = logging.getLogger("deferapp.workers")


def recover(worker: Worker, why: Failure = failure.LOST) -> int:
    """Recover for a worker that is dead. Returns how many attempts are lost.

    May be interrupted and done again, also by two at once: each execution is moved once.
    """
    lost = _recover_claims(_held().filter(worker_id=worker.pk), str(worker), why)
    if lost:
        logger.warning("Worker %s on %s is dead; %d of its attempts are lost", worker, worker.host, lost)
    presence.forget(worker)
    return lost


def recover_orphans() -> int:
    """Recover what is held by workers that are on the list no more, having been silent for too long."""
    listed = Worker.objects.using(ledger()).filter(pk=OuterRef("worker_id"))
    return _recover_claims(_held().filter(~Exists(listed)), "", failure.LOST)


def _held() -> QuerySet[Execution]:
    return Execution.objects.using(ledger()).filter(state__in=(State.STARTED, State.ABORTING))


def _recover_claims(held: QuerySet[Execution], worker: str, why: Failure) -> int:
    ordered = held.order_by("claim", "created_at", "id")
    claims = groupby(ordered, key=lambda execution: execution.claim)
    return sum(_recover_claim(worker, list(executions), why) for _, executions in claims)


def _recover_claim(worker: str, executions: Sequence[Execution], why: Failure) -> int:
    function = registry.get(executions[0].function)
    begun = executions[:1] if function and not function.is_async else executions
    life.give_back(executions[len(begun) :])
    lost = life.settle([_lost(execution, why) for execution in begun], worker=worker)
    if function and function.config.concurrency is not None:
        for key in {execution.limit_key or function.name for execution in executions}:
            publish.wake(function, key)
    return lost


def _lost(execution: Execution, why: Failure) -> Ending:
    function = registry.get(execution.function)
    config = function.config if function else Config()
    moment = now()
    return outcome.of_failure(execution, config, why, execution.started_at or moment, moment)
