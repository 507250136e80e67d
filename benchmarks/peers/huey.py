"""huey, with Redis and without results; it has no way to enqueue many at once."""

from __future__ import annotations

import django
from django.apps import apps

if not apps.ready and not apps.loading:
    django.setup()

from huey.contrib.djhuey import task

from benchmarks import bodies

TASKS = {name: task(name=f"bench_{name}")(getattr(bodies, name)) for name in bodies.NAMES}


def one(body: str, number: int) -> None:
    TASKS[body](number)


def many(body: str, count: int) -> None:
    for number in range(count):
        one(body, number)
