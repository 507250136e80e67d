"""The broker: whether it is there, answers in time, and is the one that workers listen to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from celery import Celery

from deferapp import forks
from deferapp.dispatch.broker import Broker, Refused
from deferapp.health.bounded import TooSlow, within
from deferapp.health.finding import Finding, error, warning
from deferapp.health.scene import Scene
from deferapp.health.words import some
from deferapp.redact import redact_text
from deferapp.schedules import TICK
from deferapp.workers import facts

SECONDS: Final = 1.5
"""How long the broker may take to answer."""
SETTING: Final = 'CELERY_BROKER_URL = "redis://localhost:6379/0"'
IN_ONE: Final = "python manage.py defer dev"

# Of its own: no look holds up an enqueue, or lets the broker rest for others.
_line: Final = Broker()
forks.in_child(_line.renew)


def answers(scene: Scene) -> Iterator[Finding]:
    """Nothing is asked of a broker in memory, nor while an embedded worker brings one."""
    if scene.is_in_memory or scene.is_embedded:
        return
    try:
        within(SECONDS, lambda: ask(scene.app))
    except TooSlow:
        said = f"nothing within {SECONDS:g} s: it hangs, or a firewall swallows what is sent to it"
    except Exception as problem:
        said = redact_text(str(problem).strip() or repr(problem))
    else:
        return
    yield _silent(scene, said) if scene.broker_url else _unset()


def ask(app: Celery) -> bool:
    """One round trip. Raises what the broker raises. The app is made that of this thread."""
    app.set_current()
    with contextlib.suppress(Refused):
        _line.waiting(TICK)
    return True


def _silent(scene: Scene, said: str) -> Finding:
    place = facts.broker_of(scene.app)
    return error(
        "D010",
        f"The broker at {place} does not answer.",
        why="Enqueueing goes on, and what is enqueued waits in the ledger; within seconds of the broker's return "
        f"it runs. It said: {said}",
        remedy=(
            "Look whether the broker runs (for Redis: redis-cli ping), and is the one of CELERY_BROKER_URL.",
            "Nothing has to be restarted or enqueued again when it is back.",
        ),
    )


def _unset() -> Finding:
    return error(
        "D013",
        "No broker is configured.",
        why="Workers in processes of their own hear of work through a broker. Without a setting Celery tries a "
        "RabbitMQ on this machine, and there is none.",
        remedy=(f"Set {SETTING} or another broker's URL, for all processes.", f"Or run all in one process: {IN_ONE}"),
    )


def is_shared(scene: Scene) -> Iterator[Finding]:
    """Whether workers listen where this process speaks."""
    separate = [worker for worker in scene.living if worker.pool != facts.EMBEDDED]
    if not separate or scene.is_embedded:
        return
    if scene.is_in_memory:
        yield error(
            "D011",
            "The broker is in memory, and workers run in processes of their own.",
            why="What is in one process's memory reaches no other: nothing ever begins.",
            remedy=(f"Set {SETTING} and restart all processes.", f"Or run all in one process: {IN_ONE}"),
        )
        return
    ours, theirs = facts.broker_of(scene.app), sorted({worker.broker for worker in separate if worker.broker})
    if theirs and ours not in theirs:
        yield warning(
            "D012",
            f"Workers read from {some(theirs)}; this process sends to {ours}.",
            why="Workers miss its messages, and find the work in the ledger some 10 s later. If these are two names "
            "of one broker, all is well.",
            remedy=("Give all processes the same CELERY_BROKER_URL, and restart those that had another.",),
        )
