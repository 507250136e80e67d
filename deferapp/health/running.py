"""Executions that have started and do not end: their process is dead, hangs, or does not hear that it should stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from deferapp import conf
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.health.finding import Finding, error
from deferapp.health.scene import LOOKED_AT, Scene, executions
from deferapp.health.words import count, some
from deferapp.models import Execution, Worker
from deferapp.workers import watch

RECOVERY: Final = timedelta(seconds=30)
"""How long recovering may take once a worker is known to be dead."""
SLACK: Final = timedelta(seconds=60)
"""How long a body may run on after its `max_duration`."""
ABORT_SECONDS: Final = watch.GRACE + 2 * watch.ASK_INTERVAL + 1
"""How long an abort takes at the most."""
PAUSE: Final = 0.5


def has_a_living_worker(scene: Scene) -> Iterator[Finding]:
    orphans = [execution for execution in scene.started if _is_orphan(scene, execution)]
    if not orphans:
        return
    waits = "A living worker recovers them, and none is there." if not scene.readers else "Nobody has recovered them."
    yield error(
        "D050",
        f"Dead workers hold {count(len(orphans), 'execution', LOOKED_AT)}: {_list(orphans)}.",
        why=f"Their processes are gone, and the attempts with them. {waits}",
        remedy=(
            (f"{scene.command} worker",)
            if not scene.readers
            else ('Look for "Housekeeping" in the logs of the workers, and restart them.',)
        ),
    )


def _is_orphan(scene: Scene, execution: Execution) -> bool:
    """While workers live, only those that should have been recovered by now."""
    holder = scene.holders.get(execution.worker_id)
    if holder is None:
        return True
    limit = timedelta(seconds=conf.current().HEARTBEAT_LIMIT)
    return not scene.is_alive(holder) if not scene.readers else scene.silence(holder) > limit + RECOVERY


def ends_in_time(scene: Scene) -> Iterator[Finding]:
    late = [execution for execution in scene.started if _is_late(scene, execution)]
    if late:
        yield error(
            "D051",
            f"{count(len(late), 'execution', LOOKED_AT)} should have been stopped long ago: {_list(late)}.",
            why="They have run for longer than their max_duration, and their process does not stop them: it is frozen "
            "or hangs in the system. It keeps a place in its worker, and under a limit a slot.",
            remedy=tuple(_kill(holder) for holder in _holders(scene, late)[:3]),
        )


def _is_late(scene: Scene, execution: Execution) -> bool:
    function, holder = registry.get(execution.function), scene.holders.get(execution.worker_id)
    if function is None or execution.started_at is None or execution.state != State.STARTED:
        return False
    if holder is None or not scene.is_alive(holder):
        return False
    return scene.now - execution.started_at > function.config.longest + SLACK


def is_aborted(scene: Scene) -> Iterator[Finding]:
    """Looks again until it is: nothing tells since when somebody has wanted it."""
    aborting = [each.id for each in scene.started if each.state == State.ABORTING and not _is_orphan(scene, each)]
    ends = time.monotonic() + ABORT_SECONDS
    while aborting and time.monotonic() < ends:
        time.sleep(PAUSE)
        aborting = list(executions().filter(id__in=aborting, state=State.ABORTING).values_list("id", flat=True))
    if aborting:
        left = [each for each in scene.started if each.id in aborting]
        yield error(
            "D052",
            f"{count(len(left), 'execution', LOOKED_AT)} should be aborted, and goes on: {_list(left)}.",
            why=f"Their processes have not obeyed for {ABORT_SECONDS:g} s: they are frozen or hang in the system.",
            remedy=tuple(_kill(holder) for holder in _holders(scene, left)[:3]),
        )


def _holders(scene: Scene, held: list[Execution]) -> list[Worker]:
    ids = dict.fromkeys(execution.worker_id for execution in held)
    return [holder for id in ids if (holder := scene.holders.get(id))]


def _kill(holder: Worker) -> str:
    machine, pid = holder.host.partition("/")[0], holder.process.partition(":")[0]
    return (
        f"On {machine}, end the process: kill -9 {pid}. What it held is recovered at once, as attempts that are lost."
    )


def _list(held: list[Execution]) -> str:
    return some([str(execution) for execution in held])
