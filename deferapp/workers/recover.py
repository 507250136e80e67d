"""What a dead worker leaves behind: the attempts it was in are lost, the executions it had not begun are given back.

The executions of a sync function begin one after the other, each when the end of the one before has been settled or
noted; so of a run those that are noted have succeeded, the oldest of the others had begun, and no other. One that its
worker is just settling, or was when it froze, is locked: it is left to the next round, or for as long as that
transaction is open.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from deferapp.clock import now
from deferapp.dispatch import publish
from deferapp.executions import life
from deferapp.executions.endings import failure, notes, outcome
from deferapp.executions.endings.ending import Ending
from deferapp.executions.endings.failure import Failure
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.functions.config import Config
from deferapp.models import EndNote, Execution, Worker, ledger
from deferapp.models.locking import lock
from deferapp.workers import claims, persist, presence, process

if TYPE_CHECKING:
    from deferapp.models.queries import ExecutionQuerySet

logger = logging.getLogger("deferapp.workers")

Noted = dict[tuple[UUID | None, UUID], EndNote]
"""Ends that are noted, by claim and execution."""


def recover(worker: Worker, why: Failure = failure.LOST) -> int:
    """Recover for a worker that is dead, or silent and frozen maybe. Returns how many attempts are lost.

    May be interrupted and done again, also by two at once: each execution is moved once.
    """
    held = _held().filter(worker_id=worker.pk)
    has_ended = process.has_ended(worker.host, worker.process)
    if not has_ended:
        # It may speak again at any moment, and what it claims from then on is its own.
        held = held.filter(worker__heartbeat_at__lte=worker.heartbeat_at)
    lost = _recover_runs(held, str(worker), why)
    if lost:
        logger.warning("Worker %s on %s is dead; %d of its attempts are lost", worker, worker.host, lost)
    if not held.exists():
        presence.forget(worker)
    notes.prune()
    return lost


def recover_orphans() -> int:
    """Recover what is held by workers that are on the list no more, having been silent for too long."""
    listed = Worker.objects.using(ledger()).filter(pk=OuterRef("worker_id"))
    return _recover_runs(_held().filter(~Exists(listed)), "", failure.LOST)


def _held() -> ExecutionQuerySet:
    return Execution.objects.using(ledger()).filter(state__in=(State.STARTED, State.ABORTING))


def _recover_runs(held: ExecutionQuerySet, worker: str, why: Failure) -> int:
    # Notes first: what is settled in between is held no more, and has not become an execution that had begun.
    noted = notes.of(set(held.values_list("claim", flat=True).distinct()))
    ordered = held.order_by("claim", "created_at", "id")
    runs = groupby(ordered, key=lambda execution: claims.run_of(execution.claim))
    return sum(_try_to_recover_run(worker, list(executions), noted, why) for _, executions in runs)


def _try_to_recover_run(worker: str, executions: Sequence[Execution], noted: Noted, why: Failure) -> int:
    """One that cannot be recovered must not keep the others from it."""
    try:
        return _recover_run(worker, executions, noted, why)
    except persist.AWAY:
        raise
    except Exception:
        logger.exception("What a dead worker held of %s is not recovered yet", executions[0].function)
        return 0


def _recover_run(worker: str, executions: Sequence[Execution], noted: Noted, why: Failure) -> int:
    function = registry.get(executions[0].function)
    with transaction.atomic(using=ledger()):
        unlocked = _lock(executions)
        if ended := [each for each in executions if _key(each) in noted and each.id in unlocked]:
            life.settle([notes.as_ending(noted[_key(each)], each) for each in ended], worker=worker)
        others = [each for each in executions if _key(each) not in noted]
        begun = others[:1] if function and not function.is_async else others
        life.give_back([each for each in others[len(begun) :] if each.id in unlocked])
        lost = life.settle([_lost(each, why) for each in begun if each.id in unlocked], worker=worker)
    if function and function.config.concurrency is not None:
        for key in {execution.limit_key or function.name for execution in executions}:
            publish.wake(function, key)
    return lost


def _key(execution: Execution) -> tuple[UUID | None, UUID]:
    return execution.claim, execution.id


def _lock(executions: Sequence[Execution]) -> set[UUID]:
    """Lock those that nobody else has locked, and return their ids. (SQLite has one lock for all.)"""
    return set(lock(_held().filter(id__in=[execution.id for execution in executions]), skip_locked=True))


def _lost(execution: Execution, why: Failure) -> Ending:
    function = registry.get(execution.function)
    config = function.config if function else Config()
    moment = now()
    return outcome.of_failure(execution, config, why, execution.started_at or moment, moment)
