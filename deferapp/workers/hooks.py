"""Where deferapp takes part in a Celery worker, by private names of Celery where there are no others.

Installed by `AppConfig.ready()`, in effect only in workers. Each hook that does not find what it needs says so in the
log and leaves Celery as it is: executions then still run, more slowly or less well protected.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import bootsteps, signals

from deferapp.executions.logs.listen import listener
from deferapp.functions import registry
from deferapp.observe import listen as observe
from deferapp.schedules import TICK, silence
from deferapp.workers import acks, behind, bodies, connections, facts, poison, presence, reconnect, termination
from deferapp.workers.tasks import LedgerTask

logger = logging.getLogger("deferapp.workers")


def install() -> None:
    signals.worker_init.connect(_on_worker_init, weak=False, dispatch_uid="deferapp.worker_init")
    signals.task_received.connect(_on_received, weak=False, dispatch_uid="deferapp.received")
    signals.task_unknown.connect(behind.on_unknown, weak=False, dispatch_uid="deferapp.unknown")
    signals.worker_shutting_down.connect(_on_shutting_down, weak=False, dispatch_uid="deferapp.shutting_down")
    signals.worker_shutdown.connect(_on_shutdown, weak=False, dispatch_uid="deferapp.shutdown")
    observe.install()


def _on_worker_init(sender: Any, **_kwargs: Any) -> None:
    pool = getattr(sender.pool_cls, "__module__", str(sender.pool_cls)).rpartition(".")[2]
    presence.prepare(sender.hostname, pool)
    connections.install()
    observe.install_in_worker()
    listener.of_lone_body = bodies.log_of_the_only_one
    _say_what_cannot_be_stopped(pool)
    for fixup in getattr(sender.app, "_fixups", ()):
        if worker_fixup := getattr(fixup, "worker_fixup", None):
            _keep_connections_open(worker_fixup)
    sender.consumer_cls = termination.at_once(reconnect.soon(poison.proof(sender.consumer_cls)))
    poison.guard_requests(sender)
    acks.forgive_late_ones()
    sender.app.steps["worker"].add(HousekeepingStep)


def _say_what_cannot_be_stopped(pool: str) -> None:
    sync = [function.name for function in registry.functions() if not function.is_async]
    if pool == "thread" and sync:
        logger.warning(
            "Threads cannot be interrupted: max_duration and abort end the attempts of sync functions in the ledger, "
            "but their bodies run on. Use the prefork pool, or async functions. Concerned: %s",
            ", ".join(sync),
        )


def _on_received(request: Any, **_kwargs: Any) -> None:
    """A ring counts from here: the processes of the pool may all be busy for longer than beat may be silent."""
    if request.task_name == TICK:
        silence.received.set()


def _on_shutting_down(how: str, **_kwargs: Any) -> None:
    presence.node().drain(finish=how == "Warm")


def _on_shutdown(**_kwargs: Any) -> None:
    HousekeepingStep.end()


class HousekeepingStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Starts the housekeeping thread after the pool has forked, also when the broker is away.

    It outlives the step: Celery stops its steps before the pool has finished, and an execution that still runs needs
    its worker's heartbeat.
    """

    requires = frozenset({"celery.worker.components:Pool"})
    _housekeeper: Any = None

    def start(self, worker: Any) -> None:
        from deferapp.workers.housekeeping import Housekeeper

        facts.has_pool(worker.pool)
        type(self)._housekeeper = Housekeeper()
        self._housekeeper.start()

    @classmethod
    def end(cls) -> None:
        if cls._housekeeper is not None:
            cls._housekeeper.stop()
            cls._housekeeper = None


def _keep_connections_open(fixup: Any) -> None:
    """Celery closes the database connections before and after each task: not around ours, which see to them."""
    for name in ("on_task_prerun", "on_task_postrun"):
        original = getattr(fixup, name, None)
        if original is None:
            logger.warning("Celery's Django fix-up has no %s; connections are opened anew for each message", name)
            continue
        signal = signals.task_prerun if name == "on_task_prerun" else signals.task_postrun
        was_connected = signal.disconnect(original)
        replacement = _for_other_tasks(original)
        setattr(fixup, name, replacement)
        if was_connected:
            signal.connect(replacement, weak=False)


def _for_other_tasks(original: Any) -> Any:
    def receiver(sender: Any, **kwargs: Any) -> None:
        if not isinstance(sender, LedgerTask):
            original(sender=sender, **kwargs)

    return receiver
