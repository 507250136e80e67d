"""Schedules: whether beat rings, what is due fires, and the ledger's schedules are those of the code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from deferapp.cron import parse
from deferapp.functions import registry
from deferapp.health.finding import Finding, error, warning
from deferapp.health.scene import Scene
from deferapp.health.words import some, span
from deferapp.models import Schedule, ledger
from deferapp.schedules import silence

SCHEDULER: Final = "django_celery_beat.schedulers:DatabaseScheduler"
LATE: Final = timedelta(seconds=30)
"""How late a schedule may fire. Housekeeping makes it a second or two."""


def beat_rings(scene: Scene) -> Iterator[Finding]:
    """Known once a schedule has fired for which beat did not ring; of beat's process itself nothing is known."""
    since = silence.silent_since()
    if since is None:
        return
    scheduler = scene.app.conf.beat_scheduler
    yield warning(
        "D030",
        f"Beat is silent: a ring is owed since {span(scene.now - since)}.",
        why="Workers fire deferapp's schedules without it, a second or two late. Other periodic tasks of the project "
        "do not run.",
        remedy=(
            f"Start beat, or look why it hangs: {scene.command} beat --scheduler {SCHEDULER}",
            *((f'Set CELERY_BEAT_SCHEDULER = "{SCHEDULER}"; it is {scheduler!r}.',) if scheduler != SCHEDULER else ()),
            "If beat runs, its rings do not arrive: look at its log and its broker.",
        ),
    )


def fire(scene: Scene) -> Iterator[Finding]:
    """Those of a moment that has passed while a worker was there long enough."""
    if not any(worker.started_at < scene.now - LATE for worker in scene.readers):
        return
    late = Schedule.objects.using(ledger()).filter(is_declared=True, is_paused=False, next_due_at__lt=scene.now - LATE)
    names = list(late.order_by("next_due_at").values_list("function", flat=True)[:100])
    if names:
        yield error(
            "D031",
            f"Schedules that are due do not fire: {some(names)}.",
            why="Workers look each second what is due, so their housekeeping fails or hangs.",
            remedy=(
                'Look for "Housekeeping" in the logs of the workers, and whether they have this code.',
                "Restart the workers, one after the other.",
            ),
        )


def are_those_of_the_code(_scene: Scene) -> Iterator[Finding]:
    rows = Schedule.objects.using(ledger()).filter(is_declared=True)
    known = dict(rows.values_list("function", "declared_frequency"))
    declared = {function.name: parse(function.frequency).text for function in registry.scheduled()}
    differ = sorted(name for name in {*known, *declared} if known.get(name) != declared.get(name))
    if differ:
        yield warning(
            "D032",
            f"The ledger's schedules are not those of this code: {some(differ)}.",
            why="A schedule was added, changed or taken out, and the ledger has not been told; or this code is older "
            "than that in effect.",
            remedy=("If this code is meant: python manage.py migrate, which tells the ledger.",),
        )
