"""procrastinate, in Django: durable, in PostgreSQL."""

from __future__ import annotations

import django
from django.apps import apps

if not apps.ready and not apps.loading:
    django.setup()

from procrastinate.contrib.django import app

from benchmarks import bodies

CHUNK = 1_000
TASKS = {name: app.task(name=f"bench_{name}")(getattr(bodies, f"a{name}")) for name in bodies.NAMES}


def one(body: str, number: int) -> None:
    TASKS[body].defer(number=number)


def many(body: str, count: int) -> None:
    for start in range(0, count, CHUNK):
        TASKS[body].batch_defer(*[{"number": number} for number in range(start, min(start + CHUNK, count))])
