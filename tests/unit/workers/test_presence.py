"""Who is there, who beats for whom, who is dead, and who keeps house."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError

from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.fields import DatabaseNow
from deferapp.models import Housekeeping, Worker
from deferapp.workers import heart, presence, process
from deferapp.workers.children import Children
from tests.unit.rows import SECOND, claim, make_execution, make_worker, values_of
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LONG_AGO = 20 * SECOND


@pytest.fixture(autouse=True)
def this_node(monkeypatch: pytest.MonkeyPatch) -> presence.Node:
    """This process as a worker that has just started."""
    monkeypatch.setattr(presence, "_node", None)
    monkeypatch.setattr(presence, "_mine", None)
    monkeypatch.setattr(presence, "_heard_at", float("-inf"))
    return presence.prepare("shop@here", "prefork")


@pytest.fixture
def dead_process() -> str:
    """The name of a process of this host that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        name = process.key(child.pid)
        child.kill()
    return name


@pytest.fixture
def living_child() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        yield process.key(child.pid)
        child.kill()


class Clock:
    """Seconds of `time.monotonic` that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(presence, "time", clock)
    return clock


def member(name: str, **fields: object) -> Worker:
    """A process of this worker's household."""
    return make_worker(host=process.host(), process=name, supervisor=process.this(), **fields)


def heard_ago(worker: Worker) -> timedelta:
    return now() - Worker.objects.get(pk=worker.pk).heartbeat_at


def test_this_process_is_entered_once_with_what_tells_it_apart() -> None:
    worker = presence.current()
    assert presence.current() is worker
    row = Worker.objects.get()
    assert (row.pk, row.node, row.pool) == (worker.pk, "shop@here", "prefork")
    assert (row.host, row.process, row.supervisor) == (process.host(), process.this(), process.this())
    assert abs(heard_ago(row)) < 60 * SECOND


def test_a_process_that_is_on_the_list_already_is_not_entered_twice() -> None:
    known = member(process.this(), heartbeat_at=now() - HOUR)
    assert presence.current().pk == known.pk
    assert Worker.objects.count() == 1
    assert heard_ago(known) < 60 * SECOND


def test_processes_that_were_taken_off_the_list_are_on_it_again_under_their_old_keys(living_child: str) -> None:
    mine, child = presence.current(), member(living_child)
    presence.beat()
    Worker.objects.all().delete()
    presence.beat()
    assert set(Worker.objects.all()) == {mine, child}
    assert presence.current() == mine


def test_this_process_is_on_the_list_again_even_if_it_had_not_beaten_before() -> None:
    mine = presence.current()
    Worker.objects.all().delete()
    presence.beat()
    assert Worker.objects.get() == mine
    assert heard_ago(mine) < 60 * SECOND


def test_children_that_have_died_are_not_put_on_the_list_again() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process_of_child:
        child = member(process.key(process_of_child.pid))
        presence.beat()
        process_of_child.kill()
    child.delete()
    presence.beat()
    assert Worker.objects.get() == presence.current()


def test_a_beat_is_heard_for_this_process_and_its_living_children_and_no_other(living_child: str) -> None:
    mine = presence.current()
    child = member(living_child)
    other = make_worker()
    Worker.objects.update(heartbeat_at=now() - HOUR)
    presence.beat()
    assert heard_ago(mine) < 60 * SECOND
    assert heard_ago(child) < 60 * SECOND
    assert heard_ago(other) >= HOUR


def test_a_beat_is_not_heard_for_children_that_have_died(dead_process: str, living_child: str) -> None:
    presence.current()
    member(living_child)
    child = member(dead_process, heartbeat_at=now() - HOUR)
    presence.beat()
    assert heard_ago(child) >= HOUR
    assert [child for child, _ in Children().dead()] == [child]


def test_a_process_that_was_silent_is_heard_before_it_goes_on_and_then_left_to_its_workers_heart(clock: Clock) -> None:
    mine = presence.current()
    for seconds, is_heard in ((0, True), (presence.RENEWED_EVERY - 1, False), (2, True)):
        Worker.objects.update(heartbeat_at=now() - HOUR)
        clock.seconds += seconds
        assert presence.renew().pk == mine.pk
        assert (heard_ago(mine) < 60 * SECOND) is is_heard


def test_a_process_that_others_took_off_the_list_is_on_it_before_it_goes_on() -> None:
    mine = presence.current()
    Worker.objects.all().delete()
    assert presence.renew().pk == mine.pk
    assert heard_ago(mine) < 60 * SECOND


def test_the_heart_goes_on_when_the_ledger_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[None] = []

    def beat() -> None:
        beats.append(None)
        if len(beats) == 1:
            raise OperationalError("away")

    monkeypatch.setattr(presence, "beat", beat)
    monkeypatch.setattr(heart, "INTERVAL", 0.001)
    beating = heart.Heart()
    beating.start()
    wait_until(lambda: len(beats) > 2, timeout=10, message="the heart has stopped")
    beating.stop()
    assert not beating.is_alive()


def test_gone_are_the_ended_processes_of_this_host(dead_process: str, living_child: str) -> None:
    presence.current()
    member(living_child)
    ended = make_worker(host=process.host(), process=dead_process, supervisor="1:1")
    make_worker(process=dead_process)
    assert presence.gone() == [ended]


def in_contact(clock: Clock, seconds: float) -> presence.Contact:
    """One that has been made every second for so long."""
    contact = presence.Contact()
    contact.made()
    for _ in range(int(seconds)):
        clock.seconds += 1
        contact.made()
    return contact


@pytest.mark.parametrize(("seconds", "may_judge"), [(0, False), (15, False), (17, False), (18, True), (100, True)])
def test_nobody_is_judged_before_the_living_had_time_to_be_heard(clock: Clock, seconds: float, may_judge: bool) -> None:
    worker = make_worker(heartbeat_at=now() - LONG_AGO)
    contact = in_contact(clock, seconds)
    assert contact.allows_judgement() is may_judge
    assert presence.silent(contact) == ([worker] if may_judge else [])


def test_after_a_gap_the_time_begins_anew(clock: Clock) -> None:
    contact = in_contact(clock, 100)
    clock.seconds += presence.GAP + 1
    contact.made()
    assert not contact.allows_judgement()
    for _ in range(18):
        clock.seconds += 1
        contact.made()
    assert contact.allows_judgement()


def test_a_short_gap_is_none(clock: Clock) -> None:
    contact = in_contact(clock, 100)
    clock.seconds += presence.GAP - 1
    contact.made()
    assert contact.allows_judgement()


def test_nobody_is_judged_by_one_whose_own_heart_is_held_up(clock: Clock) -> None:
    contact = in_contact(clock, 100)
    clock.seconds += presence.GAP + 1
    assert not contact.allows_judgement()


def test_nobody_is_judged_by_an_answer_that_has_waited_with_everybody(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_worker(heartbeat_at=now() - LONG_AGO)
    contact = in_contact(clock, 100)
    monkeypatch.setattr(presence, "DatabaseNow", lambda: waits(clock, 20))
    assert presence.silent(contact) == []


def waits(clock: Clock, seconds: float) -> DatabaseNow:
    clock.seconds += seconds
    return DatabaseNow()


def test_silent_are_those_not_heard_for_the_limit_wherever_they_are(clock: Clock, living_child: str) -> None:
    contact = in_contact(clock, 100)
    make_worker(heartbeat_at=now() - 10 * SECOND)
    elsewhere = make_worker(heartbeat_at=now() - 16 * SECOND)
    frozen = member(living_child, heartbeat_at=now() - 16 * SECOND)
    assert sorted(worker.pk for worker in presence.silent(contact)) == sorted([elsewhere.pk, frozen.pk])


def test_a_worker_is_forgotten_when_its_end_is_certain_or_an_hour_ago(dead_process: str, living_child: str) -> None:
    ended = member(dead_process)
    frozen = member(living_child, heartbeat_at=now() - LONG_AGO)
    silent = make_worker(heartbeat_at=now() - LONG_AGO)
    long_silent = make_worker(heartbeat_at=now() - HOUR - SECOND)
    for worker in (ended, frozen, silent, long_silent):
        presence.forget(worker)
    assert set(Worker.objects.all()) == {frozen, silent}


def takes_over(worker: Worker) -> bool:
    """Asked twice, since the first to ask at all only makes the row."""
    return presence.keeps_house(worker) or presence.keeps_house(worker)


def test_one_keeps_house_and_goes_on_with_it() -> None:
    first, second = make_worker(), make_worker()
    assert takes_over(first)
    assert presence.keeps_house(first)
    assert not takes_over(second)
    assert presence.keeps_house(first)


def test_another_keeps_house_when_the_lease_has_ended() -> None:
    first, second = make_worker(), make_worker()
    assert takes_over(first)
    Housekeeping.objects.update(lease_until=now() - SECOND)
    assert presence.keeps_house(second)
    assert not presence.keeps_house(first)


def test_a_worker_that_leaves_hands_the_house_over_and_is_off_the_list() -> None:
    assert takes_over(presence.current())
    presence.leave()
    assert not Worker.objects.exists()
    assert presence.keeps_house(make_worker())


@pytest.mark.parametrize("state", [State.STARTED, State.ABORTING])
def test_a_worker_that_leaves_while_it_holds_something_stays_on_the_list(state: State) -> None:
    (execution,) = claim([make_execution()], worker=presence.current())
    execution.state = state
    execution.save(update_fields=["state"])
    presence.leave()
    assert values_of(execution)["worker_id"] == Worker.objects.get().pk


def test_all_processes_of_a_node_see_that_it_drains(this_node: presence.Node) -> None:
    assert not presence.node().is_draining
    this_node.drain()
    assert presence.node().is_draining
