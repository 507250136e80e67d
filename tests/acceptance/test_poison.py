"""Messages that nobody can make sense of: the worker says so in its log and goes on with the next."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import redis

from tests.processes import Process, Project, ProjectMaker
from tests.waiting import wait_until

FUNCTION = "tests.shop.defer.note"
POOLS = ["prefork", "solo"]
NO_CALLBACKS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def message(body: Any, function: str = FUNCTION, **changes: Any) -> dict[str, Any]:
    """Build what Celery puts into a list of Redis; a change of None takes the part away."""
    text = body if isinstance(body, str) else base64.b64encode(json.dumps(body).encode()).decode()
    headers = {"lang": "py", "task": function, "id": str(uuid4()), "argsrepr": "", "kwargsrepr": ""}
    parts = {
        "body": text,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "correlation_id": headers["id"],
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "celery"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }
    return {key: value for key, value in {**parts, **changes}.items() if value is not None}


def body(*args: Any, **kwargs: Any) -> list[Any]:
    return [list(args), kwargs, NO_CALLBACKS]


def without_header(name: str) -> dict[str, Any]:
    built = message(body([uuid4().hex], version=1))
    del built["headers"][name]
    return built


GARBAGE: dict[str, Any] = {
    "no JSON": b"\x00\xff garbage",
    "broken JSON": b'{"body": "',
    "a JSON list": [],
    "a JSON number": 17,
    "a JSON text": "text",
    "JSON null": None,
    "an empty envelope": {},
    "an envelope of something else": {"type": "job", "payload": {"id": 7}},
    "no headers": message(body([uuid4().hex], version=1), headers=None),
    "no properties": message(body([uuid4().hex], version=1), properties=None),
    "no id header": without_header("id"),
    "no task header": without_header("task"),
    "a body that is no base64": message("%%%"),
    "a body that is no JSON": message(base64.b64encode(b"\xff{").decode()),
    "a body that is a number": message(7),
    "a body in two parts": message([[], {}]),
    "a body of a pickle": message("gASVCAAAAAAAAACMBHRleHSULg==", **{"content-type": "application/x-python-serialize"}),
    "arguments that are no list": message([7, {}, NO_CALLBACKS]),
    "no version": message(body([uuid4().hex])),
    "an unknown version": message(body([uuid4().hex], version=99)),
    "no ids": message(body(version=1)),
    "ids that are no list": message(body("id", version=1)),
    "ids that are no UUIDs": message(body([1, "two", None], version=1)),
    "an unknown function": message(body([uuid4().hex], version=1), "tests.shop.defer.never_heard_of"),
}


@dataclass(kw_only=True)
class Site:
    """A project of which a worker is kept alive, and messages that have not been sent to it yet."""

    project: Project
    pool: str
    good: dict[str, bytes]  # by the text of the note that each makes
    worker: Process | None = None

    def living_worker(self) -> Process:
        if self.worker is None or not self.worker.is_alive:
            self.worker = self.project.worker(self.pool, 1)
        return self.worker

    def send(self, raw: bytes) -> None:
        with redis.Redis.from_url(self.project.broker_url) as client:
            client.lpush("celery", raw)

    def waiting(self) -> int:
        with redis.Redis.from_url(self.project.broker_url) as client:
            return int(client.llen("celery"))


@pytest.fixture(scope="module")
def sites(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """A site for each pool, since starting a worker takes longer than any message."""
    with contextlib.ExitStack() as stack:
        yield {pool: stack.enter_context(_site(make_project, tmp_path_factory, pool)) for pool in POOLS}


@contextlib.contextmanager
def _site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory, pool: str) -> Iterator[Site]:
    # Otherwise housekeeping would send what we hold back.
    settings = {"DEFER": {"REPUBLISH_AFTER": 3600.0}}
    with make_project(tmp_path_factory.mktemp(pool), **settings) as project:
        project.python(f"from tests.shop.defer.note import note\nfor text in {list(GARBAGE)}: note(text)")
        with redis.Redis.from_url(project.broker_url) as client:
            messages = reversed(client.lrange("celery", 0, -1))
            client.delete("celery")
        yield Site(project=project, pool=pool, good=dict(zip(GARBAGE, messages, strict=True)))


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_message_of_garbage_costs_a_line_in_the_log_and_nothing_else(
    sites: dict[str, Site], pool: str, garbage: str
) -> None:
    site, raw = sites[pool], GARBAGE[garbage]
    worker = site.living_worker()
    begin = len(worker.log())
    site.send(raw if isinstance(raw, bytes) else json.dumps(raw).encode())
    wait_until(lambda: _complaints(worker.log()[begin:]), 20, "the worker says that it dropped a message")
    site.send(site.good[garbage])
    wait_until(lambda: site.project.witness.counts()[garbage], 20, "the next execution runs")

    assert worker.is_alive
    assert site.project.witness.counts()[garbage] == 1
    assert site.waiting() == 0


def _complaints(log: str) -> list[str]:
    return [line for line in log.splitlines() if "ERROR" in line or "WARNING" in line or "CRITICAL" in line]


def test_the_execution_that_a_dropped_message_named_is_not_lost(project: Project) -> None:
    project.settings["DEFER"] = {"REPUBLISH_AFTER": 1.0}
    identity = project.python("from tests.shop.defer.note import note\nprint(note('not lost').id.hex)")
    with redis.Redis.from_url(project.broker_url) as client:
        client.delete("celery")
        client.lpush("celery", json.dumps(message(body([identity], version=99))))
    project.worker()
    project.wait_for_states("note", 30, succeeded=1)
    assert project.witness.lines() == ["not lost"]
