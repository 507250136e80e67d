"""Messages that nobody can make sense of, and forged ones: the worker says so in its log and goes on with the next."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import pytest
import redis

from tests.faults import garbage
from tests.faults.brokers import Broker, Rabbit, Redis, started
from tests.faults.conftest import SayFigure
from tests.processes import Process, Project, ProjectMaker
from tests.waiting import wait_until

# One group, so that its servers and workers are started once.
pytestmark = pytest.mark.xdist_group("poison")

ONE_BY_ONE: Final = ["Redis prefork", "RabbitMQ prefork"]
KINDS: Final = {
    Redis.name: {**garbage.EVERYWHERE, **garbage.OF_REDIS},
    Rabbit.name: {**garbage.EVERYWHERE, **garbage.OF_RABBIT},
}
CASES: Final = [(stage, kind) for stage in ONE_BY_ONE for kind in KINDS[stage.split()[0]]]
ALL: Final = "all at once"
HEARD: Final = "after an event"
FORGED: Final = ["ended", "cancelled", "for another function", "twice", "last"]
COMPLAINTS: Final = ("ERROR", "WARNING", "CRITICAL")
LONGEST_COMPLAINT: Final = 20_000

# Otherwise housekeeping would send what we take away, or what a slow broker has not taken.
HOLD: Final = (
    "UPDATE deferapp_execution SET dispatch_at = now() + interval '1 day' WHERE state = 'created' RETURNING id"
)

ENQUEUE: Final = """
from tests.shop.defer.large import large
from tests.shop.defer.mail import mail
from tests.shop.defer.note import note

notes = {{text: note(text) for text in {texts}}}
notes["cancelled"].cancel()
large.pause()
for each in [*notes.values(), note.options(delay="1h")("early"), mail(1), large(1)]:
    print(each.id.hex)
"""


class Stage:
    """A project on a broker of its own, executions without a message, and a worker that is kept alive."""

    def __init__(self, project: Project, broker: Broker, pool: str) -> None:
        self.project = project
        self.broker = broker
        self.kinds: dict[str, Callable[[], Any]] = KINDS[broker.name]
        texts = [*self.kinds, ALL, HEARD, *FORGED]
        ids = project.python(ENQUEUE.format(texts=texts)).split()
        broker.purge()
        project.query(HOLD)
        self.ids = dict(zip([*texts, "early", "mail", "paused"], ids, strict=True))
        self._pool = pool
        self._worker: Process | None = None

    def living_worker(self) -> Process:
        if self._worker is None or not self._worker.is_alive:
            self._worker = self.project.worker(self._pool, 1)
        return self._worker

    def put_good(self, *texts: str) -> None:
        """Put in what makes the worker note the texts."""
        self.broker.put(garbage.naming(*(self.ids[text] for text in texts)))

    def wait_for_note(self, text: str) -> None:
        wait_until(lambda: self.project.witness.counts()[text], 30, f"the execution behind {text} runs")


@pytest.fixture(scope="module")
def open_stage(
    make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Stage]]:
    """Set up a stage when it is first asked for: that takes longer than any message."""
    stages: dict[str, Stage] = {}
    with contextlib.ExitStack() as stack:

        def open_stage(name: str) -> Stage:
            if name not in stages:
                broker_name, pool = name.split()
                broker = stack.enter_context(started(broker_name))
                project = stack.enter_context(make_project(tmp_path_factory.mktemp("poison")))
                project.broker_url = broker.server.url
                stages[name] = Stage(project, broker, pool)
            return stages[name]

        yield open_stage


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_garbage_costs_a_few_lines_in_the_log_and_nothing_else(
    open_stage: Callable[[str], Stage], name: str, kind: str
) -> None:
    stage = open_stage(name)
    worker = stage.living_worker()
    begin = len(worker.log())
    stage.broker.put(stage.kinds[kind]())
    stage.put_good(kind)
    stage.wait_for_note(kind)

    assert worker.is_alive
    assert stage.project.witness.counts()[kind] == 1
    complaint = worker.log()[begin:]
    assert any(word in complaint for word in COMPLAINTS)
    assert len(complaint) < LONGEST_COMPLAINT


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_a_broken_event_that_all_workers_hear_ends_none(open_stage: Callable[[str], Stage], name: str) -> None:
    stage = open_stage(name)
    worker = stage.living_worker()
    for body in (b"\x00\xff", b"{", b"[" * 100_000, b"[]", b"17"):
        stage.broker.broadcast(body)
    stage.put_good(HEARD)
    stage.wait_for_note(HEARD)
    assert worker.is_alive
    assert "What the broker delivered is no message and was dropped (DecodeError)" in worker.log()


@pytest.mark.parametrize("name", [*ONE_BY_ONE, "Redis solo"])
def test_of_all_garbage_nothing_comes_back(open_stage: Callable[[str], Stage], name: str, figure: SayFigure) -> None:
    stage = open_stage(name)
    worker = stage.living_worker()
    for make in stage.kinds.values():
        stage.broker.put(make())
    stage.put_good(ALL)
    stage.wait_for_note(ALL)
    assert worker.is_alive
    worker.terminate()  # what it had not acknowledged is there again
    assert stage.broker.held() == 0
    figure("poison", f"{len(stage.kinds)} kinds dropped, worker alive, queue empty ({name})")


@pytest.mark.parametrize("name", ["Redis solo", "RabbitMQ prefork"])
def test_a_forged_message_starts_nothing_that_the_ledger_does_not_hold_ready(
    open_stage: Callable[[str], Stage], name: str
) -> None:
    stage = open_stage(name)
    stage.living_worker()
    stage.put_good("ended")
    stage.wait_for_note("ended")

    for _ in range(2):
        stage.put_good("ended", "cancelled", "early", "mail", "twice", "twice", "paused")
        stage.broker.put(garbage.naming(uuid4().hex, stage.ids["mail"]))
        stage.broker.put(garbage.naming(stage.ids["for another function"], function="tests.shop.defer.mail"))
        stage.broker.put(garbage.naming(stage.ids["paused"], function="tests.shop.defer.large"))
    stage.put_good("last")
    stage.wait_for_note("last")

    seen = stage.project.witness.counts()
    assert {text: seen[text] for text in FORGED} == {**dict.fromkeys(FORGED, 0), "ended": 1, "twice": 1, "last": 1}
    assert (seen["early"], seen["mail 1"]) == (0, 0)
    rows = stage.project.query("SELECT id, state, attempt FROM deferapp_execution")
    states = {id.hex: (state, attempt) for id, state, attempt in rows}
    untouched = ["early", "mail", "paused", "for another function"]
    assert {text: states[stage.ids[text]] for text in untouched} == dict.fromkeys(untouched, ("created", 0))
    assert states[stage.ids["cancelled"]] == ("cancelled", 0)


def test_the_execution_that_a_dropped_message_named_is_not_lost(project: Project) -> None:
    project.settings["DEFER"] = {"REPUBLISH_AFTER": 1.0}
    identity = project.python("from tests.shop.defer.note import note\nprint(note('not lost').id.hex)")
    with redis.Redis.from_url(project.broker_url) as client:
        client.delete("celery")
        client.lpush("celery", garbage.as_redis(garbage.message(garbage.call([identity], version=99))))
    project.worker()
    project.wait_for_states("note", 30, succeeded=1)
    assert project.witness.lines() == ["not lost"]
