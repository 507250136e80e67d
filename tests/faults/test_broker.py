"""The broker is killed and comes back empty, refuses, hangs, or answers with errors, while workers are busy."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.faults.brokers import QUEUE, Broker, Rabbit, Redis, started
from tests.faults.conftest import SayFigure
from tests.faults.labours import Labours
from tests.faults.web import Web
from tests.proc import children_of, kill_all
from tests.processes import Process, Project, ProjectMaker
from tests.waiting import wait_until

TOTAL: Final = 500
BEGUN: Final = 150
BODY_SECONDS: Final = 0.03

# So that much of the work is in the broker, and not in the lists that workers have taken.
MANY_MESSAGES: Final = {"DEFER": {"LIST_SIZE": 2}}

GOING_AGAIN_SECONDS: Final = 30.0
MORE_SECONDS: Final = 0.25
RUNS_SECONDS: Final = 5.0
OUTAGE_SECONDS: Final = 22.0
"""Long enough for Celery to wait ten seconds and more between two tries to connect."""
HANG_SECONDS: Final = 10.0
FAULT_SECONDS: Final = 4.0
TRIES: Final = 10


@dataclass(frozen=True, kw_only=True)
class Site:
    """A project with two workers and a web server, which outlive whatever happens to the broker."""

    project: Project
    broker: Broker
    web: Web
    workers: list[Process]
    children: list[list[int]]

    def assert_alive(self) -> None:
        """The same processes as at the beginning."""
        assert all(worker.is_alive for worker in self.workers)
        assert [worker.children() for worker in self.workers] == self.children


@pytest.fixture(scope="module")
def open_site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    sites: dict[str, Site] = {}
    with contextlib.ExitStack() as stack:

        def open_site(name: str) -> Site:
            if name not in sites:
                broker = stack.enter_context(started(name))
                project = stack.enter_context(make_project(tmp_path_factory.mktemp("broker"), **MANY_MESSAGES))
                project.broker_url = broker.server.url
                workers = [project.worker(), project.worker()]
                children = [worker.children() for worker in workers]
                sites[name] = Site(project=project, broker=broker, web=Web(project), workers=workers, children=children)
            return sites[name]

        yield open_site


@pytest.fixture
def site(request: pytest.FixtureRequest, open_site: Callable[[str], Site]) -> Iterator[Site]:
    site = open_site(request.param)
    yield site
    site.assert_alive()


def _group(name: str) -> pytest.MarkDecorator:
    """All tests of a broker share a worker of xdist, and so one site."""
    return pytest.mark.xdist_group(f"broker {name}")


on_both: Final = pytest.mark.parametrize(
    "site", [pytest.param(name, marks=_group(name)) for name in (Redis.name, Rabbit.name)], indirect=True
)


def _wait(seconds: float) -> None:
    """For as long as the fault is to last: nothing else tells the end of it."""
    ends = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > ends, seconds + 5, "the time is over")


def _through(site: Site, label: str, fault: contextlib.AbstractContextManager[Any], total: int, begun: int) -> str:
    """Let a parent enqueue children, let the fault come and go among them, and count. Returns what was seen."""
    labours = Labours(site.project, label, total, BODY_SECONDS)
    labours.enqueue_by_a_parent()
    labours.wait_for_effects(begun)
    with fault:
        left = total - len(labours.effects())
    back = time.monotonic()
    labours.wait_for_end()
    assert labours.lost_and_twice() == ([], [])
    assert labours.begun_twice() == []
    site.assert_alive()
    assert left > 0
    going = min(each.at - back for each in labours.beginnings() if each.at > back)
    assert going < GOING_AGAIN_SECONDS
    return f"0 lost, 0 twice, going again {going:.1f} s after its return, workers alive ({site.broker.name})"


@contextlib.contextmanager
def _killed_and_emptied(broker: Broker) -> Iterator[None]:
    broker.server.kill()
    broker.server.wipe()
    yield
    broker.server.start()


@on_both
def test_a_broker_that_is_killed_and_comes_back_empty_loses_nothing_and_repeats_nothing(
    site: Site, figure: SayFigure
) -> None:
    figure("broker emptied", _through(site, "emptied", _killed_and_emptied(site.broker), TOTAL, BEGUN))


@contextlib.contextmanager
def _flushed(redis: Redis) -> Iterator[None]:
    yield
    redis.server.empty()


@contextlib.contextmanager
def _without_memory(redis: Redis) -> Iterator[None]:
    with redis.client() as client:
        client.config_set("maxmemory", "1")
        yield
        _wait(FAULT_SECONDS)
        client.config_set("maxmemory", "0")


@contextlib.contextmanager
def _read_only(redis: Redis) -> Iterator[None]:
    """As after a failover that has made it a replica, of a server that is not there."""
    with redis.client() as client:
        client.replicaof("127.0.0.1", "1")
        yield
        _wait(FAULT_SECONDS)
        client.replicaof("NO", "ONE")


@contextlib.contextmanager
def _unable_to_save(redis: Redis) -> Iterator[None]:
    """Redis takes no more writes after its child that saves has died, until another one has saved."""
    with redis.client() as client:
        client.set("a key takes", "a second")
        client.config_set("rdb-key-save-delay", "1000000")
        client.bgsave()
        kill_all(children_of(redis.server.pid))
        yield
        _wait(FAULT_SECONDS)
        client.config_set("rdb-key-save-delay", "0")
        client.bgsave()
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok", 20, "Redis has saved")


@contextlib.contextmanager
def _disconnecting(redis: Redis) -> Iterator[None]:
    with redis.client() as client:
        yield
        for _ in range(8):
            client.execute_command("CLIENT", "KILL", "TYPE", "normal")
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            _wait(0.5)


@contextlib.contextmanager
def _restarted_again_and_again(broker: Broker) -> Iterator[None]:
    """Five times on Redis, twice on RabbitMQ, which needs longer."""
    yield
    for _ in range(5 if isinstance(broker, Redis) else 2):
        broker.server.kill()
        _wait(0.5)
        broker.server.start()
        _wait(2.5)


@contextlib.contextmanager
def _without_its_queue(rabbit: Rabbit) -> Iterator[None]:
    with rabbit.channel() as channel:
        channel.queue_delete(QUEUE)
        yield


OF_BOTH: Final = [_restarted_again_and_again]
OF_REDIS: Final = [_flushed, _without_memory, _read_only, _unable_to_save, _disconnecting, *OF_BOTH]
OF_RABBIT: Final = [_without_its_queue, *OF_BOTH]


def _name(fault: Callable[[Any], Any]) -> str:
    return fault.__name__.strip("_")


@pytest.mark.parametrize(
    ("site", "fault"),
    [
        pytest.param(name, fault, marks=_group(name), id=f"{name} {_name(fault)}")
        for name, faults in ((Redis.name, OF_REDIS), (Rabbit.name, OF_RABBIT))
        for fault in faults
    ],
    indirect=["site"],
)
def test_whatever_the_broker_does_or_answers_workers_live_and_go_on(
    site: Site, fault: Callable[[Broker], contextlib.AbstractContextManager[None]]
) -> None:
    _through(site, _name(fault), fault(site.broker), 300, 50)


def _figure(site: Site, more: float, seconds: float) -> str:
    return f"200 within {more * 1000:+.0f} ms, runs {seconds:.1f} s after its return ({site.broker.name})"


def _wait_for_note(site: Site, text: str) -> float:
    """Return how many seconds after now the note was written, which it must be soon."""
    began = time.monotonic()
    wait_until(lambda: site.project.witness.counts()[text], 60, f"{text} is written")
    return time.monotonic() - began


@on_both
def test_a_request_is_answered_while_the_broker_refuses_and_its_work_runs_soon_after(
    site: Site, figure: SayFigure
) -> None:
    with contextlib.ExitStack() as refusing:
        text, more = _more_when_it_begins(site, _refusing, refusing)
        _wait(OUTAGE_SECONDS)
    seconds = _wait_for_note(site, text)
    assert seconds < RUNS_SECONDS
    assert site.project.witness.counts()[text] == 1
    figure("broker refuses", _figure(site, more, seconds))


@on_both
def test_a_request_is_answered_while_the_broker_hangs_and_its_work_runs_soon_after(
    site: Site, figure: SayFigure
) -> None:
    with contextlib.ExitStack() as hanging:
        text, more = _more_when_it_begins(site, _hanging, hanging)
        _wait(HANG_SECONDS)
    seconds = _wait_for_note(site, text)
    assert seconds < RUNS_SECONDS
    assert site.project.witness.counts()[text] == 1
    figure("broker hangs", _figure(site, more, seconds))


def _more_when_it_begins(
    site: Site, fault: Callable[[Broker], contextlib.AbstractContextManager[None]], begun: contextlib.ExitStack
) -> tuple[str, float]:
    """The first note that is asked for in the fault, which lasts as long as the stack, and how much longer it takes.

    The best of several: on a busy machine one says little.
    """
    for number in range(TRIES):
        text = f"while {_name(fault)} {number}"
        usual = site.web.usual_seconds(f"before {text}")
        begun.enter_context(fault(site.broker))
        more = site.web.note(text) - usual
        if more < MORE_SECONDS:
            return text, more
        begun.close()
        _wait_for_note(site, text)
    raise AssertionError(f"a request takes {more:.3f} s longer")


@contextlib.contextmanager
def _refusing(broker: Broker) -> Iterator[None]:
    broker.server.kill()
    try:
        yield
    finally:
        broker.server.start()


@contextlib.contextmanager
def _hanging(broker: Broker) -> Iterator[None]:
    os.kill(broker.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.server.pid, signal.SIGCONT)
