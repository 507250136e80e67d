"""Executions in every state, all that may be done to them, and what is to be seen of it afterwards.

A move is a statement of the product, or the few statements by which it does one thing to a list of executions.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4, uuid5

from django.db.models import Model
from django.dispatch import Signal

from deferapp import signals
from deferapp.clock import now, ordered_now
from deferapp.dispatch import overdue, publish
from deferapp.exceptions import DeferError
from deferapp.executions import again, children, life, pauses, prune
from deferapp.executions.endings import failure
from deferapp.executions.endings.ending import Ending
from deferapp.executions.ids import child_id
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution, Limit, PausedFunction, Worker
from deferapp.workers.recover import recover
from tests.unit.rows import function_named, make_worker

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
NAME = "parallel.defer.mail"
FUNCTION = function_named(NAME, is_async=True)
"""Its executions begin together, so that what a dead worker held is recovered in one way."""
LIMITED = function_named(NAME, is_async=True, concurrency=1_000)
CANCELLING = function_named(NAME, is_async=True, concurrency=1_000, max_concurrency_action="cancel")
"""The same function, if it had a limit that nobody reaches."""
KINDS: Final[dict[str, Callable[[Any], dict[str, Any]]]] = {
    "waiting": lambda moment: {},
    "late": lambda moment: {"discard_at": moment - SECOND},
    "retrying": lambda moment: {"attempt": 1},
    "started": lambda moment: {"state": State.STARTED, "attempt": 1, "dispatch_at": None},
    "aborting": lambda moment: {"state": State.ABORTING, "attempt": 1, "dispatch_at": None},
    "failed": lambda moment: {
        "state": State.FAILED,
        "attempt": 1,
        "dispatch_at": None,
        "created_at": moment - 200 * DAY,
        "ended_at": moment - 200 * DAY,
    },
}


@dataclass(kw_only=True)
class Scene:
    """Some executions of every kind, those that have started held by one worker's claim."""

    worker: Worker
    parent: Execution
    rows: list[tuple[str, Execution]]
    """Each with its kind, as it was at first."""
    claims: dict[UUID, str] = field(default_factory=dict)
    taken: list[tuple[UUID, str]] = field(default_factory=list)
    """Which of them were given to somebody who claimed."""
    told: list[tuple[str, UUID]] = field(default_factory=list)
    believed: set[tuple[UUID, str]] = field(default_factory=set)
    """Which of them somebody believes to have moved."""

    def claim_of(self, who: str, ids: Sequence[UUID]) -> UUID:
        """The same if the same is asked again, as workers do when a claim is refused."""
        claim = uuid5(ids[0] if len(ids) == 1 else self.parent.id, who)
        self.claims[claim] = who
        return claim

    def held(self, ids: list[UUID]) -> list[Execution]:
        """Those of them that the worker has claimed, as it knows them."""
        rows = {row.id: row for _, row in self.rows if row.claim is not None}
        return [rows[id] for id in ids if id in rows]

    def ids(self) -> list[UUID]:
        return shuffled([row.id for _, row in self.rows])


def shuffled(values: Sequence[Any]) -> list[Any]:
    return random.sample(values, len(values))


def make_scene(kinds: Sequence[str]) -> Scene:
    """Executions of these kinds, whose ids have the opposite order of their places in the table."""
    worker, moment, claim = make_worker(), now(), uuid4()
    parent = Execution(function="parallel.defer.mail_all", due_at=moment, state=State.SUCCEEDED)
    common = {"function": NAME, "parent": parent, "due_at": moment - HOUR, "dispatch_at": moment - HOUR / 2}
    rows = []
    for kind, id in zip(
        kinds, sorted(child_id(parent.id, NAME, "", number) for number in range(len(kinds))), strict=True
    ):
        values = {**common, "created_at": ordered_now(), **KINDS[kind](moment)}
        if kind in ("started", "aborting"):
            values |= {"claim": claim, "worker_id": worker.pk, "started_at": moment}
        rows.append((kind, Execution(id=id, **values)))
    Execution.objects.bulk_create([parent, *(row for _, row in reversed(rows))])
    past = {"number": 1, "outcome": "failed", "started_at": moment, "ended_at": moment}
    attempted = [row for kind, row in rows if kind in ("retrying", "failed")]
    Attempt.objects.bulk_create([Attempt(execution=row, **past) for row in attempted])
    return Scene(worker=worker, parent=parent, rows=rows)


def clear() -> None:
    for model in (Attempt, Execution, Worker, PausedFunction, Limit):
        model._base_manager.all()._raw_delete("default")


@contextmanager
def heard(scene: Scene) -> Iterator[None]:
    """Write down what is told while somebody listens, which costs other statements than when nobody does."""
    lock, all_of_them = threading.Lock(), {each: getattr(signals, each) for each in ("started", "succeeded", "failed")}
    all_of_them |= {each: getattr(signals, each) for each in ("retried", "cancelled", "discarded")}

    def hear(name: str, sender: type[Model], execution: Execution, **_: Any) -> None:
        with lock:
            scene.told.append((name, execution.id))

    ears: list[tuple[Signal, Callable[..., None]]] = [(each, partial(hear, name)) for name, each in all_of_them.items()]
    for signal, ear in ears:
        signal.connect(ear, weak=False)
    try:
        yield
    finally:
        for signal, ear in ears:
            signal.disconnect(ear)


Move = Callable[[Scene, str, list[UUID]], int]
"""What somebody, called "one" or "another", does to some executions. Returns how many it believes to have moved."""


def _claim(scene: Scene, who: str, ids: list[UUID], function: Any = FUNCTION) -> int:
    claim = scene.claim_of(who, ids)
    taken = life.claim(function, ids, claim=claim, worker_id=1, most=1_000)
    scene.taken.extend((each.id, who) for each in taken)
    return 0


def _settle(scene: Scene, who: str, ids: list[UUID], **how: Any) -> int:
    moment = now()
    endings = [Ending(execution=each, started_at=moment, ended_at=moment, **how) for each in scene.held(ids)]
    return life.settle(endings, worker=who)


def _settle_for_another_attempt(scene: Scene, who: str, ids: list[UUID]) -> int:
    return _settle(scene, who, ids, failure=failure.of(ValueError("no")), retry_at=now() - SECOND)


def _discard(scene: Scene, _: str, ids: list[UUID]) -> int:
    return sum(life.discard(each, "gone") for each in scene.held(ids))


def _one_by_one(act: Callable[[Execution], Any], _: Scene, __: str, ids: list[UUID]) -> int:
    """How many of them took it, the others having refused."""
    moved = 0
    for id in ids:
        try:
            moved += act(Execution(id=id, function=NAME)) is not False
        except DeferError:
            continue
    return moved


MOVES: Final[dict[str, Move]] = {
    "claim": _claim,
    "claim under a limit": partial(_claim, function=LIMITED),
    "claim under a limit that cancels": partial(_claim, function=CANCELLING),
    "settle as succeeded": _settle,
    "settle as failed": partial(_settle, failure=failure.of(ValueError("no"))),
    "settle for another attempt": _settle_for_another_attempt,
    "give back": lambda scene, _, ids: life.give_back(scene.held(ids)),
    "discard": _discard,
    "cancel": lambda _, __, ids: life.cancel(*ids),
    "abort": lambda _, __, ids: life.abort(*ids),
    "cancel or abort": partial(_one_by_one, lambda each: each.cancel(force=True)),
    "retry": lambda _, __, ids: life.retry(*ids),
    "reschedule": partial(_one_by_one, lambda each: again.reschedule(each, 3600)),
    "leave to housekeeping": lambda _, __, ids: publish.leave_to_housekeeping(ids) or 0,
}
"""What is done to executions that somebody names."""


SWEEPS: Final[dict[str, Callable[[Scene], object]]] = {
    "recover": lambda scene: recover(scene.worker),
    "cancel children": lambda scene: children.cancel(scene.parent.id, force=True),
    "retry failed children": lambda scene: children.retry_failed(scene.parent.id),
    "expire": lambda _: life.expire(),
    "publish what waits": lambda _: overdue.publish(),
    "pause": lambda _: pauses.pause(NAME),
    "resume": lambda _: pauses.resume(NAME),
    "prune": lambda _: prune.prune(),
}
"""What is done to all that meet a condition."""


def make(scene: Scene, who: str, name: str, *, singly: bool) -> None:
    """Make a move or a sweep; a move to all executions together, or singly, noting those of which it says so."""
    if name in SWEEPS:
        SWEEPS[name](scene)
    elif not singly:
        MOVES[name](scene, who, scene.ids())
    else:
        for id in scene.ids():
            if MOVES[name](scene, who, [id]):
                scene.believed.add((id, who))


class Seen(NamedTuple):
    """What is to be seen of an execution."""

    row: tuple[Any, ...]
    attempts: tuple[tuple[int, str], ...]
    takers: tuple[str, ...]
    """To whom they were given by a claim."""
    told: tuple[tuple[str, int], ...]
    """By which signals it was told of, and how often, if somebody listened."""
    movers: tuple[str, ...]
    """Who believes to have moved it, if executions were moved singly."""


def seen(scene: Scene) -> list[tuple[str, Seen]]:
    """What has become of each execution, with the kind that it was of."""
    rows = Execution.objects.in_bulk([row.id for _, row in scene.rows])
    attempts = Attempt.objects.order_by("number").values_list("execution_id", "number", "outcome")
    past = [(id, (number, outcome)) for id, number, outcome in attempts]
    told = Counter(scene.told).items()
    return [
        (
            kind,
            Seen(
                row=_seen_of(scene, before, rows.get(before.id)),
                attempts=tuple(attempt for id, attempt in past if id == before.id),
                takers=tuple(sorted(who for id, who in scene.taken if id == before.id)),
                told=tuple(sorted((name, count) for (name, id), count in told if id == before.id)),
                movers=tuple(sorted(who for id, who in scene.believed if id == before.id)),
            ),
        )
        for kind, before in scene.rows
    ]


def _seen_of(scene: Scene, before: Execution, row: Execution | None) -> tuple[Any, ...]:
    if row is None:
        return ("gone",)
    holder = "nobody" if row.claim is None else {before.claim: "its worker", **scene.claims}[row.claim]
    due = "as before" if row.due_at == before.due_at else "later" if row.due_at > now() else "moved"
    is_published = row.dispatch_at is not None and row.dispatch_at > row.due_at
    ended = (row.ended_at is not None, row.error_code, row.reason)
    return (
        row.state,
        row.attempt,
        holder,
        row.worker_id is not None,
        due,
        row.dispatch_at is None,
        is_published,
        *ended,
    )
