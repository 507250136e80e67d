"""All cases, from the declaration through the database to the entries that beat makes of its rows."""

from __future__ import annotations

import types
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice

import pytest
from celery.schedules import crontab
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry

from deferapp import defer
from deferapp.dispatch.broker import celery_app
from deferapp.models import Schedule
from deferapp.schedules import TICK
from deferapp.schedules.plan import plan
from deferapp.schedules.sync import sync
from tests.unit.cron.cases import START, VALID, moments

pytestmark = pytest.mark.usefixtures("no_schedules")


def declare(name: str, frequency: str) -> None:
    def template() -> None: ...

    plain = types.FunctionType(template.__code__, {"__name__": "shop.defer"}, name)
    plain.__qualname__, plain.__module__ = name, "shop.defer"
    defer.cron(plain, frequency)


def rings(schedule: crontab, after: datetime):
    while True:
        last, delta, _now = schedule.remaining_delta(after)
        after = (last + delta).astimezone(UTC)
        yield after


def test_all_frequencies_ring_and_fire_exactly_at_their_times() -> None:
    for case in VALID["cases"]:
        declare(f"case_{case['id']}", case["expr"])
    sync()
    tasks = PeriodicTask.objects.filter(task=TICK).select_related("crontab").order_by("name")
    entries: dict[str, list[ModelEntry]] = {}
    for task in tasks:
        entries.setdefault(task.name.split()[1], []).append(ModelEntry(task, app=celery_app()))
    wrong = []
    for case in VALID["cases"]:
        name, expected = f"shop.defer.case_{case['id']}", moments(case["next"])
        rung = list(islice(merge(*(rings(entry.schedule, START) for entry in entries[name])), len(expected)))
        frequency = Schedule.objects.get(function=name).frequency
        fired = plan(frequency, "all", expected[0], min(expected[-1], expected[0] + timedelta(days=60))).fire
        if rung != expected or list(fired) != expected[: len(fired)]:
            wrong.append((case, rung, fired))
    assert wrong == []
    assert len(entries) == len(VALID["cases"])
