"""Workers: whether one is there, reads the queues that functions are sent to, and keeps house; and their clocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from deferapp import conf
from deferapp.health.broker import IN_ONE, SETTING
from deferapp.health.finding import Finding, error, note, warning
from deferapp.health.scene import Scene
from deferapp.health.words import some, span
from deferapp.models import Housekeeping, Worker, ledger
from deferapp.schedules import TICK
from deferapp.workers import process

NOBODY_KEEPS_HOUSE: Final = timedelta(seconds=30)
"""How long a lease may have ended while workers run. It is taken over within 5 s."""
CLOCK_TOLERANCE: Final = timedelta(seconds=1)
CLOCK_LIMIT: Final = timedelta(seconds=15)
"""From here on schedules take what is on time for missed."""
SHORT_LIMIT: Final = 5.0
"""Seconds. Heartbeats come each second, and a busy machine or database may hold up a few."""


def is_there(scene: Scene) -> Iterator[Finding]:
    if scene.readers:
        yield from _silent(scene)
        return
    if scene.living:
        what = f"No worker takes work: {some(_names(scene.living))} has been told to end."
    elif scene.workers:
        what = f"No worker is running: {_last(scene, scene.workers[0])}"
    else:
        what = "No worker is running."
    yield error(
        "D020",
        what,
        why="What is enqueued is kept, and waits. Schedules do not fire; what is missed meanwhile follows catch_up. "
        "Held work of dead workers is recovered when one runs again.",
        remedy=_start(scene),
    )


def _last(scene: Scene, worker: Worker) -> str:
    ended = " Its process has ended." if process.has_ended(worker.host, worker.process) else ""
    return f"{_name(worker)} was heard {span(scene.silence(worker))} ago, and not since.{ended}"


def _start(scene: Scene) -> tuple[str, ...]:
    if scene.is_in_memory:
        return (IN_ONE, f"Or set {SETTING} and run: {scene.command} worker")
    return (f"{scene.command} worker", f"Or, on a machine for development: {IN_ONE}")


def _silent(scene: Scene) -> Iterator[Finding]:
    silent = [worker for worker in scene.workers if not scene.is_alive(worker)]
    if silent:
        yield note(
            "D023",
            f"Not heard any more: {some([_last(scene, worker) for worker in silent])}",
            why="A machine or container that was switched off, a process that was killed or is frozen, or one that "
            "does not reach the database. What it held is recovered by the others.",
            remedy=("Nothing, if it was meant to end. It is forgotten after an hour.",),
        )


def reads_each_queue(scene: Scene) -> Iterator[Finding]:
    if not scene.readers:
        return
    for queue, names in sorted(scene.unread.items()):
        is_ring_only = names == [TICK]
        find = warning if is_ring_only else error
        yield find(
            "D021",
            f"No worker reads the queue {queue!r}, where {some(names)} {'goes' if len(names) == 1 else 'go'}.",
            why=f"Workers are there, but read {some([repr(each) for each in scene.read])} only. "
            + ("Beat's rings are not heard; schedules fire a second or two late." if is_ring_only else _WAITS),
            remedy=(
                f"Start a worker for it: {scene.command} worker -Q {','.join([*scene.read, queue])}",
                "Or send them to a queue that is read, by task_routes (CELERY_TASK_ROUTES).",
            ),
        )


_WAITS: Final = "What is enqueued for these functions waits until one reads that queue."


def keeps_house(scene: Scene) -> Iterator[Finding]:
    limit = scene.now - NOBODY_KEEPS_HOUSE
    if not any(worker.started_at < limit for worker in scene.living):
        return
    if Housekeeping.objects.using(ledger()).filter(lease_until__gte=limit).exists():
        return
    yield error(
        "D022",
        f"Nobody has kept house for {span(NOBODY_KEEPS_HOUSE)} or more, although workers run.",
        why="Delays, retries and schedules do not become due, and what dead workers held is not recovered. The "
        "housekeeping of the workers fails or hangs.",
        remedy=('Look for "Housekeeping" in the logs of the workers.', "Restart the workers, one after the other."),
    )


def have_one_time(scene: Scene) -> Iterator[Finding]:
    """Of workers, each machine's clock is compared with the database's at every heartbeat."""
    offsets = {_machine(worker.host): worker.clock_offset for worker in scene.living if worker.clock_offset is not None}
    offsets.setdefault(_machine(process.host()), scene.clock_offset)
    wrong = {machine: offset for machine, offset in sorted(offsets.items()) if abs(offset) > CLOCK_TOLERANCE}
    if not wrong:
        return
    find = error if max(abs(offset) for offset in wrong.values()) > CLOCK_LIMIT else warning
    yield find(
        "D024",
        f"Clocks differ: {some([_difference(*each) for each in wrong.items()])}.",
        why="A machine's clock decides when executions and schedules are due there: they begin early or late by that "
        "much. Compared was with the database's clock; if all machines differ alike, that one is wrong.",
        remedy=(
            "Look at each machine, and at the database's: timedatectl (or: chronyc tracking)",
            "Switch on the synchronisation: timedatectl set-ntp true. A container has the clock of its machine.",
        ),
    )


def _difference(machine: str, offset: timedelta) -> str:
    return f"{machine} is {span(offset)} {'ahead' if offset > timedelta(0) else 'behind'}"


def are_given_time(_scene: Scene) -> Iterator[Finding]:
    limit = conf.current().HEARTBEAT_LIMIT
    if limit < SHORT_LIMIT:
        yield warning(
            "D025",
            f'DEFER["HEARTBEAT_LIMIT"] is {limit:g} s, which is short.',
            why="A worker that is held up for as long is taken for dead, and what it runs begins again elsewhere.",
            remedy=(f'Set DEFER["HEARTBEAT_LIMIT"] to {SHORT_LIMIT:g} or more; without it, it is 15.',),
        )


def _names(workers: list[Worker]) -> list[str]:
    return [_name(worker) for worker in workers]


def _name(worker: Worker) -> str:
    return f"{worker.node} (process {worker.process.partition(':')[0]})"


def _machine(host: str) -> str:
    return host.partition("/")[0]
