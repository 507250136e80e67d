"""Executions that wait for longer than they should, and what they wait for.

Looked at are, of each function, the executions that were enqueued first. Honest limit: one that is stuck behind a
thousand older ones with later due times is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from deferapp import conf
from deferapp.executions import limits
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.health.finding import Finding, error, note, warning
from deferapp.health.scene import LOOKED_AT, Scene, Waiting
from deferapp.health.words import count, some, span
from deferapp.models import Execution

PATIENCE: Final = 30
"""How many times `REPUBLISH_AFTER` an execution may wait for its beginning: 5 minutes."""


def patience() -> timedelta:
    return PATIENCE * conf.republish_after()


def begins(scene: Scene) -> Iterator[Finding]:
    """What is held by people, or read by nobody, has findings of its own."""
    for waiting in scene.waiting:
        function = registry.get(waiting.function)
        is_late = scene.now - waiting.due_at > patience()
        if function and is_late and waiting.function not in scene.paused and scene.has_reader(waiting.function):
            yield _of_limit(scene, waiting, function) or _of_workers(scene, waiting)


def _of_limit(scene: Scene, waiting: Waiting, function: Any) -> Finding | None:
    """If its limit is taken, by whoever has been running for long."""
    if function.config.concurrency is None:
        return None
    held = limits.under(function, waiting.limit_key or waiting.function)
    holders = list(held.filter(state__in=(State.STARTED, State.ABORTING)).order_by("started_at")[:LOOKED_AT])
    if len(holders) < function.config.concurrency or any(_is_recent(scene, each.started_at) for each in holders):
        return None
    return warning(
        "D042",
        f"{waiting.function} waits for its limit: {_waits(scene, waiting)}.",
        why=f"Its concurrency is {function.config.concurrency}, and that many have run for "
        f"{span(_age(scene, holders[-1]))} or longer; the longest is {holders[0].id}.",
        remedy=(
            f"Let it end: its max_duration is {span(function.config.longest)}.",
            f"Or abort it: python manage.py defer cancel --force {holders[0].id}",
            "If its work often takes so long, raise concurrency= where the function is declared.",
        ),
    )


def _of_workers(scene: Scene, waiting: Waiting) -> Finding:
    if not scene.is_busy:
        return _stuck(scene, waiting, "although workers are idle")
    if _is_overtaken(scene, waiting):
        return _stuck(scene, waiting, "although what came later has begun")
    return warning(
        "D041",
        f"{waiting.function} waits for workers: {_waits(scene, waiting)}.",
        why="All are at work: there is more to do than they can, or bodies hang.",
        remedy=(
            f"See what runs: the executions in Django admin, or {scene.command} inspect active",
            f"Start more: {scene.command} worker --concurrency N, here or on other machines.",
            "Give urgent functions a queue and workers of their own (task_routes, -Q).",
        ),
    )


def _stuck(scene: Scene, waiting: Waiting, although: str) -> Finding:
    return error(
        "D040",
        f"{waiting.function} does not begin: {_waits(scene, waiting)}, {although}.",
        why="A worker reads its queue, and yet does not get or take its messages.",
        remedy=(
            "Look whether workers have this code, in which the function is declared; restart those that have not.",
            f"Look at what they read: {scene.command} inspect active_queues",
            "Look into the logs of the workers for errors, and restart them.",
        ),
    )


def _is_overtaken(scene: Scene, waiting: Waiting) -> bool:
    """Whether work of the same queue has begun that was due much later."""
    limit, queue = waiting.due_at + patience(), scene.queue_of(waiting.function)
    return any(each.due_at > limit and scene.queue_of(each.function) == queue for each in scene.begun)


def _waits(scene: Scene, waiting: Waiting) -> str:
    many = count(waiting.count, "execution", LOOKED_AT)
    return f"{many} wait{'s' if waiting.count == 1 else ''}, the first for {span(scene.now - waiting.due_at)}"


def _is_recent(scene: Scene, moment: datetime | None) -> bool:
    return moment is not None and scene.now - moment < patience()


def _age(scene: Scene, execution: Execution) -> timedelta:
    return scene.now - (execution.started_at or scene.now)


def is_held_by_nobody(scene: Scene) -> Iterator[Finding]:
    """What waits because of what people decided: a pause, or a function that is gone from the code."""
    paused = [each for each in scene.waiting if each.function in scene.paused]
    unknown = [each for each in scene.waiting if registry.get(each.function) is None]
    if paused:
        names = " ".join(each.function for each in paused)
        yield note(
            "D043",
            f"Paused functions hold work: {_list(paused)}.",
            why="They accept work, and begin none until somebody resumes them.",
            remedy=(f"When they may run again: python manage.py defer resume {names}",),
        )
    if unknown:
        name = unknown[0].function
        yield warning(
            "D044",
            f"Work waits for functions that are not in this code: {_list(unknown)}.",
            why="They were removed or renamed, or their app is not in INSTALLED_APPS. It waits until they come back.",
            remedy=(
                f"Bring the function back: {name.replace('.', '/')}.py",
                "Or give the work up: python manage.py shell -c "
                f"'from deferapp.models import Execution; "
                f'[each.cancel() for each in Execution.objects.state("created").function("{name}")]\'',
            ),
        )


def _list(waiting: list[Waiting]) -> str:
    return some([f"{each.function} ({count(each.count, 'execution', LOOKED_AT)})" for each in waiting])
