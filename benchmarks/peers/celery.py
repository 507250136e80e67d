"""Celery alone, with `django-celery-results`, and by groups."""

from __future__ import annotations

import django
from celery import Celery, group
from django.conf import settings

from benchmarks import bodies

GROUP = 1_000

app = Celery("bench")
app.config_from_object("django.conf:settings", namespace="CELERY")
TASKS = {name: app.task(name=f"bench.{name}")(getattr(bodies, name)) for name in bodies.NAMES}
django.setup()


def one(body: str, number: int) -> None:
    TASKS[body].delay(number)


def many(body: str, count: int) -> None:
    if settings.PEER != "celery-group":
        for number in range(count):
            TASKS[body].delay(number)
        return
    for start in range(0, count, GROUP):
        group(TASKS[body].s(number) for number in range(start, min(start + GROUP, count))).delay()
