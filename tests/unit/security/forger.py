"""A project of one process, on SQLite and a broker in memory, with somebody who writes what they like into its broker.

Run as `python -m tests.unit.security.forger`, with DATABASE_URL naming a new file. Prints as JSON what came of it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import django

from deferapp import defer

LIMIT_SECONDS = 60.0
TICKS = 1_000

ran: Counter[str] = Counter()
gate = threading.Event()
inside: list[str] = []
most_inside = 0


def note(text: str) -> None:
    ran[text] += 1


def hold(text: str) -> None:
    ran[text] += 1


def one_at_a_time(text: str) -> None:
    global most_inside
    inside.append(text)
    most_inside = max(most_inside, len(inside))
    gate.wait(LIMIT_SECONDS)
    inside.remove(text)
    ran[text] += 1


def yearly() -> None:
    ran["yearly"] += 1


def work_magic() -> None:
    ran["a pickle"] += 1


class Spell:
    """A pickle that runs code when it is read."""

    def __reduce__(self) -> Any:
        return work_magic, ()


note = defer(note)  # type: ignore[assignment]
hold = defer(hold)  # type: ignore[assignment]
one_at_a_time = defer(one_at_a_time, concurrency=1)  # type: ignore[assignment]
yearly = defer.cron(yearly, "0 0 1 1 *")  # type: ignore[assignment]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
# Workers run what has been declared by now.
django.setup()

from django.core.management import call_command  # noqa: E402

from deferapp.clock import now  # noqa: E402
from deferapp.dispatch.broker import celery_app  # noqa: E402
from deferapp.embedded import EmbeddedWorker  # noqa: E402
from deferapp.executions.states import State  # noqa: E402
from deferapp.models import DueMoment, Execution, Schedule  # noqa: E402
from deferapp.schedules import TICK  # noqa: E402
from tests.waiting import wait_until  # noqa: E402


class Forger:
    """Writes into the queue that the worker reads, as anybody can who reaches the broker."""

    def __init__(self) -> None:
        self._producer = celery_app().connection_for_write().Producer()

    def send(self, task: str, args: Any, kwargs: Any = None, *, headers: Any = None, **options: Any) -> None:
        body = [args, {"version": 1} if kwargs is None else kwargs, {}]
        given = {"lang": "py", "task": task, "id": str(uuid4()), **(headers or {})}
        how = {"serializer": "json", "exchange": "celery", "routing_key": "celery", **options}
        self._producer.publish(body, headers=given, **how)

    def name(self, function: Any, *ids: UUID, **more: Any) -> None:
        """A message as ours are."""
        self.send(function.name, [[each.hex for each in ids]], **more)


def enqueued() -> dict[str, Execution]:
    """Work that no message may start."""
    ended = note.enqueue("ended")  # type: ignore[attr-defined]
    wait_until(lambda: ran["ended"], LIMIT_SECONDS, "the first one runs")
    wait_until(lambda: _state(ended) == State.SUCCEEDED, LIMIT_SECONDS, "it is settled")
    hold.pause()  # type: ignore[attr-defined]
    return {
        "ended": ended,
        "not due": note.options(delay="1 hour").enqueue("not due"),  # type: ignore[attr-defined]
        "paused": hold.enqueue("paused"),  # type: ignore[attr-defined]
        "cancelled": note.options(delay="1 hour").enqueue("cancelled").cancel(),  # type: ignore[attr-defined]
    }


def _state(execution: Execution) -> str:
    return Execution.objects.get(id=execution.id).state


def forge(forger: Forger, held: dict[str, Execution], limited: list[Execution]) -> None:
    ids = [execution.id for execution in held.values()]
    for function in (note, hold, one_at_a_time, yearly):
        forger.name(function, *ids)
        forger.name(function, *ids, headers={"eta": "2999-01-01T00:00:00", "retries": 50})
        forger.name(function, *[uuid4() for _ in range(1_000)])
    for _ in range(20):
        forger.name(one_at_a_time, *[execution.id for execution in limited])
    forger.name(note, *[ids[1]] * 200_000)
    forger.name(note, *[ids[1]] * 200_000, compression="zlib")
    forger.send(note.name, [Spell()], serializer="pickle")  # type: ignore[attr-defined]
    forger.send(note.name, [["'; DROP TABLE deferapp_execution; --"]])  # type: ignore[attr-defined]
    forger.send(note.name, [{"pk__gt": 0}])  # type: ignore[attr-defined]
    forger.send("note'; DROP TABLE deferapp_execution; --", [[]])
    forger.send("os.system", ["true"], {})
    forger.send(note.name, ["never enqueued"], {})  # type: ignore[attr-defined]
    for number in range(TICKS):
        forger.send(TICK, [number], {"now": "2999-01-01"})


def main() -> None:
    app = celery_app()
    app.conf.accept_content = ["json", "pickle"]  # as a project with old tasks does
    call_command("migrate", verbosity=0)
    with EmbeddedWorker():
        held = enqueued()
        limited = [one_at_a_time.enqueue(text) for text in "abc"]  # type: ignore[attr-defined]
        wait_until(lambda: inside, LIMIT_SECONDS, "one runs")
        Schedule.objects.filter(function=yearly.name).update(next_due_at=now() - timedelta(minutes=1))  # type: ignore[attr-defined]
        begun = time.monotonic()
        before = Execution.objects.exclude(function=yearly.name).count()  # type: ignore[attr-defined]
        forge(Forger(), held, limited)
        last = note.enqueue("last")  # type: ignore[attr-defined]
        wait_until(lambda: ran["last"], LIMIT_SECONDS, "the worker has come through all of it")
        seconds = time.monotonic() - begun
        gate.set()
        wait_until(lambda: all(ran[text] for text in "abc"), LIMIT_SECONDS, "the limited ones run one by one")
        wait_until(lambda: _state(last) == State.SUCCEEDED, LIMIT_SECONDS, "it is settled")
    made = Execution.objects.exclude(function=yearly.name).count() - before  # type: ignore[attr-defined]
    found = {
        "states": {name: _state(execution) for name, execution in held.items()},
        "ran": dict(ran),
        "at once under a limit of one": most_inside,
        "made by forging": made - 1,
        "due moments": DueMoment.objects.count(),
        "seconds": round(seconds, 1),
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
