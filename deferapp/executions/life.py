"""The life of executions: the only module that changes their state.

Every change is one conditional UPDATE that names the state it comes from, so that of two workers only one makes it,
and every change made by a worker also names its claim, so that a worker whose claim is gone can change nothing. Where a
transaction changes several rows it does so in the order of their ids, so that no two wait for each other in a circle.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.dispatch import Signal

from deferapp import conf, signals
from deferapp.clock import now
from deferapp.exceptions import MoveError
from deferapp.executions import limits, tell
from deferapp.executions.endings import on_failure, together
from deferapp.executions.endings.ending import Ending
from deferapp.executions.expiry import expired
from deferapp.executions.states import MOVES, State
from deferapp.models import Execution, PausedFunction, ledger
from deferapp.models.locking import Locked, lock, lock_and_read, patience, update_in_order
from deferapp.models.together import update_and_insert
from deferapp.tallies import record
from deferapp.tallies.ends import UNSTARTED

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction
    from deferapp.models.queries import ExecutionQuerySet


MOST_EXPIRED: Final = 2_000
"""Executions discarded in one round of housekeeping."""


def claim(function: AnyFunction, ids: Sequence[UUID], *, claim: UUID, worker_id: int, most: int) -> list[Execution]:
    """Start the attempts of those executions that nobody has started, in the order of their enqueueing.

    Others are left out without a word: they run elsewhere, have ended, are not due, are held because their function
    is paused, or were never committed; what should have started before is discarded. Asked again with the same claim,
    it gives the same executions: the answer to the first call may have been lost. Under a limit, the oldest that wait
    under it are claimed in their stead, at most `most` of them and as many as the limit has room for. What somebody
    has locked for longer than a moment is left to a later message.
    """
    if function.config.concurrency is None:
        named = _executions().filter(id__in=ids, function=function.name)
        if _start(named, claim, worker_id, skip_locked=True) < len(ids):
            _start_the_rest(named, claim, worker_id)
        return _started(_executions().filter(id__in=ids, claim=claim))
    return claim_under(function, limits.keys_of(function, ids), ids, claim=claim, worker_id=worker_id, most=most)


def _start_the_rest(rows: ExecutionQuerySet, claim: UUID, worker_id: int) -> None:
    """Start what was locked when the others were, and discard what is too late."""
    if not rows.filter(state=State.CREATED).exists():
        return
    with suppress(Locked), patience(ledger()):
        _start(rows, claim, worker_id)
    with suppress(Locked), patience(ledger()):
        _discard_expired(rows, now())


def claim_under(
    function: AnyFunction, keys: Sequence[str], ids: Sequence[UUID], *, claim: UUID, worker_id: int, most: int
) -> list[Execution]:
    """Claim what waits under limits; where the limit cancels, of `ids` only, and cancel what it has no room for."""
    if ids:
        with suppress(Locked), patience(ledger()):
            _discard_expired(_executions().filter(id__in=ids, function=function.name), now())
    # In their order, unless somebody keeps one of them locked.
    for skip_locked in (False, True):
        with suppress(Locked):
            with patience(ledger()):
                limits.lock(keys)
                _fill(function, keys, ids, claim=claim, worker_id=worker_id, most=most, skip_locked=skip_locked)
            break
    # Aborting already, if somebody was quick: who holds it has to end it.
    held = _executions().filter(function=function.name, state__in=(State.STARTED, State.ABORTING))
    return _started(held.filter(claim=claim))


def _fill(
    function: AnyFunction,
    keys: Sequence[str],
    ids: Sequence[UUID],
    *,
    claim: UUID,
    worker_id: int,
    most: int,
    skip_locked: bool,
) -> None:
    """Start what there is room for under limits that are locked, and cancel the rest where the limit does so."""
    waiting, moment = _executions(), now()
    cancels = function.config.max_concurrency_action == "cancel"
    if cancels:
        # Locked, so that what comes to wait from now on is not refused without having been looked at.
        locked = lock(waiting.filter(id__in=ids, state=State.CREATED), skip_locked=skip_locked)
        waiting = waiting.filter(id__in=locked)
    admit = partial(limits.admitted, function, waiting=waiting, moment=moment, most=most, skip_locked=skip_locked)
    _start(_executions().filter(id__in=[id for key in keys for id in admit(key)]), claim, worker_id)
    for key in keys if cancels else ():
        refused = limits.under(function, key, waiting).filter(~_is_paused(), due_at__lte=moment)
        ended: dict[str, Any] = {"ended_at": moment, "reason": _LIMIT_REACHED, "dispatch_at": None}
        _move_and_tell(signals.cancelled, refused, State.CREATED, State.CANCELLED, **ended)


def _start(rows: ExecutionQuerySet, claim: UUID, worker_id: int, *, skip_locked: bool = False) -> int:
    moment = now()
    return _move(
        rows.filter(~expired(moment), ~_is_paused(), due_at__lte=moment),
        State.CREATED,
        State.STARTED,
        skip_locked=skip_locked,
        attempt=F("attempt") + 1,
        claim=claim,
        worker_id=worker_id,
        started_at=moment,
        dispatch_at=None,
    )


def _is_paused() -> Exists:
    return Exists(PausedFunction.objects.filter(function=OuterRef("function")))


def _started(rows: ExecutionQuerySet) -> list[Execution]:
    executions = list(rows.order_by("created_at", "id"))
    tell.of(signals.started, lambda: executions)
    return executions


def settle(endings: Sequence[Ending], *, worker: str) -> int:
    """Record how attempts ended; if any has failed, all or none.

    Returns how many were still held by the claim that made the attempt; others are left alone.
    """
    ordered = sorted(endings, key=lambda ending: ending.execution.id)
    have_succeeded = all(ending.failure is None for ending in ordered)
    # Whoever is cut off from the database between two statements of a transaction keeps its rows locked.
    is_one_write = have_succeeded and (len(ordered) == 1 or together.is_possible())
    count = 0
    with nullcontext() if is_one_write else transaction.atomic(using=ledger()):
        for each in _settled(ordered, worker):
            count += 1
            if each.state == State.FAILED:
                on_failure.enqueue(each.ending.execution)
            tell.of(_SIGNALS[each.state], each.executions)
    return count


def _settled(endings: Sequence[Ending], worker: str) -> Iterator[_Settled]:
    """Those that are recorded, first what many have in common."""
    together_settled = _succeed(endings, worker)
    yield from together_settled
    known = {each.ending.execution.id for each in together_settled}
    for ending in endings:
        if ending.execution.id not in known and (each := _end(ending, worker)):
            yield each


def _succeed(endings: Sequence[Ending], worker: str) -> list[_Settled]:
    """Of several, those that have succeeded and not been aborted, in one statement where the database can do that."""
    succeeded = [ending for ending in endings if ending.failure is None]
    if len(succeeded) < 2 or not together.is_possible():
        return []
    moved = together.succeed(succeeded, worker)
    settled = []
    for ending in succeeded:
        path, values = ending.leads_to()
        _check(path)
        if ending.execution.id in moved:
            settled.append(_Settled(ending=ending, state=path[-1], values={"state": path[-1], **values, **_FREE}))
    return settled


def give_back(executions: Sequence[Execution]) -> int:
    """Let others run what was claimed but has not begun. Its attempt does not count. What is aborting is aborted."""
    rows = _executions().filter(id__in=_ids(executions), claim__in={each.claim for each in executions})
    given_back = _move(rows, State.STARTED, State.CREATED, dispatch_at=F("due_at"), **_UNCOUNTED)
    _abort_uncounted(rows)
    return given_back


def discard(execution: Execution, reason: str) -> int:
    """End an execution that must not run any more before its body has begun."""
    rows, path = _held(execution), (State.STARTED, State.CREATED, State.DISCARDED)
    ended: dict[str, Any] = {"ended_at": now(), "reason": reason[:500], **_UNCOUNTED}
    return _move_and_tell(signals.discarded, rows, *path, **ended) or _abort_uncounted(rows)


def _abort_uncounted(rows: ExecutionQuerySet) -> int:
    """End what has been aborted and whose body has not begun. To be called last: what was started may be aborting now.

    (If it were called first, an abort that came between would be seen to by nobody.)
    """
    return _move_and_tell(signals.cancelled, rows, State.ABORTING, State.ABORTED, ended_at=now(), **_UNCOUNTED)


def cancel(*ids: UUID) -> int:
    """End executions that have not started."""
    ended: dict[str, Any] = {"ended_at": now(), "dispatch_at": None}
    rows = _executions().filter(id__in=ids)
    return _move_and_tell(signals.cancelled, rows, State.CREATED, State.CANCELLED, **ended)


def abort(*ids: UUID) -> int:
    """Ask the workers that run executions to stop them; their attempts then end as aborted, whatever the bodies do."""
    return _move(_executions().filter(id__in=ids), State.STARTED, State.ABORTING)


def retry(*ids: UUID) -> int:
    """Let executions that have failed for good run again, now. Numbers of attempts go on; the policy counts anew.

    (`past` tells by the attempts: the last one before has failed without another to follow.)
    """
    moment = now()
    again: dict[str, Any] = {"ended_at": None, "due_at": moment, "dispatch_at": moment + conf.republish_after()}
    return _move_and_tell(signals.retried, _executions().filter(id__in=ids), State.FAILED, State.CREATED, **again)


def expire() -> int:
    """Discard what has not started in time, wherever it waits, up to `MOST_EXPIRED`. Returns how many that were.

    What somebody has locked is left to the next round.
    """
    waiting = _executions().filter(expired(now()), state=State.CREATED).values_list("id", flat=True)
    return _discard_expired(_executions().filter(id__in=list(waiting[:MOST_EXPIRED])), now(), skip_locked=True)


def reschedule(id: UUID, *, due_at: datetime, dispatch_at: datetime) -> int:
    """Give an execution that waits another due moment. It is discarded if it may not start then, or now, any more."""
    row = _executions().filter(id=id)
    waiting = row.filter(state=State.CREATED)
    return _discard_expired(row, max(now(), due_at)) or waiting.update(due_at=due_at, dispatch_at=dispatch_at)


def _discard_expired(rows: ExecutionQuerySet, moment: datetime, *, skip_locked: bool = False) -> int:
    ended: dict[str, Any] = {"ended_at": now(), "reason": _NOT_STARTED_IN_TIME, "dispatch_at": None}
    path, late = (State.CREATED, State.DISCARDED), rows.filter(expired(moment))
    return _move_and_tell(signals.discarded, late, *path, skip_locked=skip_locked, **ended)


_FREE: Final[dict[str, Any]] = {"claim": None, "worker_id": None}
_UNCOUNTED: Final[dict[str, Any]] = {"attempt": F("attempt") - 1, "started_at": None, **_FREE}
"""Of an attempt whose body has not begun."""

_SIGNALS: Final = {
    State.SUCCEEDED: signals.succeeded,
    State.FAILED: signals.failed,
    State.CREATED: signals.retried,
    State.ABORTED: signals.cancelled,
}
"""What the end of an attempt is told by, by the state that it leads to."""

_LIMIT_REACHED = "The limit of concurrency was reached."
_NOT_STARTED_IN_TIME = "It did not start before it was to be discarded."


def _executions() -> ExecutionQuerySet:
    return Execution.objects.using(ledger())


def _held(execution: Execution) -> ExecutionQuerySet:
    """The row, if it is still held by the claim that this copy of it was read under."""
    return _executions().filter(id=execution.id, claim=execution.claim)


def _ids(executions: Sequence[Execution]) -> list[UUID]:
    return [execution.id for execution in executions]


def _move(
    rows: ExecutionQuerySet, *path: State, are_many: bool = True, skip_locked: bool = False, **values: Any
) -> int:
    """Take rows that are in the first state of the path to the last, by moves of the table. Returns how many went."""
    _check(path)
    rows, values = rows.filter(state=path[0]), {"state": path[-1], **values}
    return update_in_order(rows, skip_locked=skip_locked, **values) if are_many else rows.update(**values)


def _check(path: tuple[State, ...]) -> None:
    for move in itertools.pairwise(path):
        if move not in MOVES:
            raise MoveError(f"An execution does not go from {move[0]} to {move[1]}.")


def _move_and_tell(
    signal: Signal, rows: ExecutionQuerySet, *path: State, skip_locked: bool = False, **values: Any
) -> int:
    """`_move`, note ends for the tallies, and tell: of rows that are not at hand, and are locked and read for it."""
    is_end, is_heard = path[-1] in UNSTARTED, tell.is_heard(signal)
    if not is_end and not is_heard:
        return _move(rows, *path, skip_locked=skip_locked, **values)
    with transaction.atomic(using=ledger(), savepoint=False):
        locked = lock_and_read(rows.filter(state=path[0]), "id", "function", skip_locked=skip_locked)
        if locked:
            moved = _executions().filter(id__in=[id for id, _ in locked])
            _move(moved, *path, are_many=False, **values)
            if is_end:
                record.unstarted(path[-1], locked, values["ended_at"])
            executions = list(moved) if is_heard else []
            tell.of(signal, lambda: executions)
    return len(locked)


@dataclass(frozen=True, kw_only=True)
class _Settled:
    """An attempt whose end has been recorded."""

    ending: Ending
    state: State
    values: dict[str, Any]

    def executions(self) -> list[Execution]:
        """The execution as it is now."""
        execution = copy.copy(self.ending.execution)
        for name, value in self.values.items():
            setattr(execution, name, value)
        return [execution]


def _end(ending: Ending, worker: str) -> _Settled | None:
    """With its attempt, in one write. None if the execution is held by the claim no more."""
    execution, aborted = ending.execution, {"started_at": ending.started_at, "ended_at": ending.ended_at}
    for path, values in (ending.leads_to(), ((State.ABORTING, State.ABORTED), aborted)):
        _check(path)
        held = {"id": execution.id, "claim": execution.claim, "state": path[0]}
        values = {"state": path[-1], **values, **_FREE}
        attempt = ending.attempt(path[-1], worker)
        rows = (attempt, record.entry_of(attempt, execution.function))
        if update_and_insert(Execution, held, values, rows, using=ledger()):
            return _Settled(ending=ending, state=path[-1], values=values)
    return None
