"""What workers do besides, done by several at the same time: the lease, the tick, and entering the list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django_celery_beat.models import PeriodicTask

from deferapp import defer
from deferapp.clock import now
from deferapp.functions import registry
from deferapp.models import DueMoment, Execution, Housekeeping, Schedule, Worker
from deferapp.schedules import edits
from deferapp.schedules.sync import sync
from deferapp.schedules.tick import tick
from deferapp.workers import presence
from tests.parallel.actors import Pause, at_once, wait_until_stuck
from tests.parallel.conftest import Actors
from tests.parallel.databases import Database
from tests.unit.rows import make_worker

pytestmark = pytest.mark.usefixtures("database")

MINUTE = timedelta(minutes=1)
EIGHT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_of_many_that_want_to_keep_house_at_once_one_does(actors: Actors) -> None:
    crowd = actors(5)
    workers = [make_worker() for _ in crowd]
    for _ in range(5):
        Housekeeping.objects.update(lease_until=now() - MINUTE)
        # The first round may do no more than make the row that all take the lease in.
        for _ in range(2):
            keeps = at_once(crowd, *(partial(presence.keeps_house, worker) for worker in workers))
            assert sum(keeps) <= 1
        assert sum(keeps) == 1
        assert Housekeeping.objects.get().worker == workers[keeps.index(True)]


@pytest.mark.parametrize("is_killed", [False, True], ids=["committed", "rolled back"])
def test_a_lease_that_somebody_is_taking_is_not_taken_besides(is_killed: bool, actors: Actors) -> None:
    one, another = actors(2)
    workers = [make_worker(), make_worker()]
    Housekeeping.objects.create(pk=1, worker=workers[1], lease_until=now() - MINUTE)
    with one.in_transaction(partial(presence.keeps_house, workers[0]), rolls_back=is_killed) as keeps:
        prolonging = another.begin(partial(presence.keeps_house, workers[1]))
        wait_until_stuck(another, prolonging)
    assert (keeps, prolonging.result()) == (True, is_killed)
    assert Housekeeping.objects.get().worker == workers[is_killed]


def test_a_process_that_enters_the_list_several_times_at_once_is_on_it_once(actors: Actors) -> None:
    at_once(actors(4), *[presence._enter] * 4)
    assert Worker.objects.count() == 1


def nightly() -> None: ...


def weekly() -> None: ...


@pytest.fixture
def declared(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scheduled functions in the code, of which the ledger knows nothing yet."""
    monkeypatch.setattr(registry, "_functions", {})
    monkeypatch.setattr(edits, "_seen", None)
    defer.cron(nightly, "* * * * *", catch_up="all")
    defer.cron(weekly, "0 0 13 * 5", catch_up="all")


@pytest.fixture
def due(declared: None) -> None:
    """Five moments of one of them are due."""
    sync()
    Schedule.objects.filter(declared_frequency="* * * * *").update(next_due_at=EIGHT)


def is_fired_once() -> bool:
    """Whether the five moments have made an execution each."""
    due = list(DueMoment.objects.order_by("due_at").values_list("due_at", "execution_id"))
    assert [moment for moment, _ in due] == [EIGHT + number * MINUTE for number in range(5)]
    return {id for _, id in due} == set(Execution.objects.values_list("id", flat=True))


TICK = partial(tick, EIGHT + 4 * MINUTE)


@pytest.mark.usefixtures("declared")
def test_schedules_that_several_bring_up_to_date_at_first_are_made_once(actors: Actors) -> None:
    at_once(actors(4), *[sync] * 4)
    assert Schedule.objects.count() == 2
    assert PeriodicTask.objects.filter(enabled=True).count() == 3


@pytest.mark.usefixtures("due")
def test_due_moments_fire_once_whoever_ticks_deploys_and_looks_for_edits_at_once(actors: Actors) -> None:
    at_once(actors(6), TICK, edits.absorb, TICK, sync, TICK, edits.absorb)
    TICK()
    assert is_fired_once()
    assert not Schedule.objects.exclude(edited_at=None).exists()


@pytest.mark.usefixtures("due")
@pytest.mark.parametrize("is_killed", [False, True], ids=["committed", "rolled back"])
def test_moments_that_another_tick_is_firing_are_left_to_it(is_killed: bool, actors: Actors) -> None:
    one, another = actors(2)
    with one.in_transaction(TICK, rolls_back=is_killed) as fired:
        ticking = another.begin(TICK)
        wait_until_stuck(another, ticking)
    assert fired == 5
    ticking.result()
    TICK()
    assert is_fired_once()


@pytest.mark.usefixtures("due")
def test_a_tick_that_comes_while_another_has_read_the_schedules_and_not_written_fires_nothing_twice(
    actors: Actors,
) -> None:
    one, another = actors(2)
    pause = Pause("INSERT", "deferapp_execution", before=True)
    first = one.begin(TICK, pause)
    with pause.reached_by(first):
        second = another.begin(TICK)
        wait_until_stuck(another, second)
    assert first.result() + second.result() == 5
    assert is_fired_once()
