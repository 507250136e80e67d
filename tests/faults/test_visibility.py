"""Delays and jobs that are longer than Redis's visibility timeout, after which Celery's messages come once more."""

from __future__ import annotations

import time
from typing import Final

import pytest
import redis

from tests.faults.conftest import SayFigure
from tests.faults.labours import Labours
from tests.processes import Project
from tests.waiting import wait_until

# It takes most of a minute, waiting.
pytestmark = pytest.mark.xdist_group("visibility")

DELAYED: Final = 10
DELAY_SECONDS: Final = 20.0
JOB_SECONDS: Final = 22.0
LATE_SECONDS: Final = 5.0
VISIBILITY_SECONDS: Final = 5
# Kombu would look for what to deliver again every hundred seconds; here it does each second.
TRANSPORT: Final = {
    "visibility_timeout": VISIBILITY_SECONDS,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}

ENQUEUE: Final = f"""
from tests.shop.defer.labour import labour
labour("job", 0, {JOB_SECONDS})
for number in range({DELAYED}):
    labour.options(delay="{DELAY_SECONDS:g}s")("delayed", number, 0.0)
"""


def test_what_takes_longer_than_the_visibility_timeout_runs_once(project: Project, figure: SayFigure) -> None:
    project.settings["CELERY_BROKER_TRANSPORT_OPTIONS"] = TRANSPORT
    for _ in range(2):
        project.worker()
    enqueued = time.monotonic()
    project.python(ENQUEUE)
    project.wait_for_states("labour", JOB_SECONDS + 30, succeeded=DELAYED + 1)
    again = time.monotonic() + VISIBILITY_SECONDS + 2
    wait_until(lambda: time.monotonic() > again, 30, "what is not acknowledged would have been delivered again")

    job, delayed = Labours(project, "job", 1, JOB_SECONDS), Labours(project, "delayed", DELAYED, 0.0)
    for labours in (job, delayed):
        assert labours.lost_and_twice() == ([], [])
        assert labours.begun_twice() == []
    assert all(each.at - enqueued >= DELAY_SECONDS for each in delayed.beginnings())
    [(late,)] = project.query("SELECT max(extract(epoch FROM started_at - due_at)) FROM deferapp_execution")
    assert late < LATE_SECONDS
    with redis.Redis.from_url(project.broker_url) as client:
        assert client.hlen("unacked") == 0
    figure("delay", f"1 run each, at most {late:.1f} s late")
    figure("long job", "1 run")
