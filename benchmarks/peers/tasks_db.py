"""django-tasks-db, the database backend of Django's own task framework; it has no way to enqueue many at once."""

from __future__ import annotations

import django
from django.apps import apps

if not apps.ready and not apps.loading:
    django.setup()

from django_tasks import task

from benchmarks import bodies

TASKS = {name: task()(getattr(bodies, name)) for name in bodies.NAMES}


def one(body: str, number: int) -> None:
    TASKS[body].enqueue(number)


def many(body: str, count: int) -> None:
    for number in range(count):
        one(body, number)
