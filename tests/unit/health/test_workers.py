"""No worker, the wrong queue, nobody who keeps house, wrong clocks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings

from deferapp.clock import now
from deferapp.dispatch.broker import celery_app
from deferapp.health import workers
from deferapp.health.finding import Severity
from deferapp.models import Housekeeping, Worker
from deferapp.workers import presence, process
from tests.unit.health.conftest import found, ids
from tests.unit.rows import MINUTE, SECOND, make_worker

pytestmark = pytest.mark.django_db

Route = Callable[[str, str], None]


@pytest.fixture
def route() -> Iterator[Route]:
    """Send a function to a queue."""
    app = celery_app()

    def use(routes: dict[str, dict[str, str]] | None) -> None:
        app.conf.task_routes = routes
        app.amqp.flush_routes()
        app.amqp.__dict__.pop("router", None)

    yield lambda function, queue: use({function: {"queue": queue}})
    use(None)


def test_a_worker_that_was_just_heard_is_enough(worker: Worker) -> None:
    looks = (workers.is_there, workers.reads_each_queue, workers.keeps_house, workers.have_one_time)
    assert [ids(look) for look in looks] == [[]] * 4


def test_without_any_worker_the_command_that_starts_one_is_told(settings: LazySettings) -> None:
    [finding] = found(workers.is_there)
    assert (finding.id, finding.severity, finding.what) == ("D020", Severity.ERROR, "No worker is running.")
    assert finding.remedy[0] == "python manage.py defer dev"
    assert finding.remedy[1].endswith("celery -A marketplace worker")


def test_a_worker_that_is_silent_for_too_long_is_none(worker: Worker) -> None:
    Worker.objects.update(heartbeat_at=now() - 3 * MINUTE)
    [finding] = found(workers.is_there)
    assert finding.id == "D020"
    assert "was heard 3 min ago, and not since" in finding.what
    assert "has ended" not in finding.what


def test_a_worker_of_this_host_whose_process_has_ended_is_none_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        name = process.key(child.pid)
        child.kill()
    make_worker(host=process.host(), process=name, supervisor=name, queues=["celery"])
    [finding] = found(workers.is_there)
    assert finding.id == "D020"
    assert "Its process has ended." in finding.what


def test_a_worker_that_has_been_told_to_end_takes_no_work(worker: Worker) -> None:
    Worker.objects.update(queues=[])
    [finding] = found(workers.is_there)
    assert finding.id == "D020"
    assert "told to end" in finding.what
    assert ids(workers.reads_each_queue) == []


def test_the_children_of_a_pool_are_no_workers_of_their_own() -> None:
    make_worker(queues=["celery"], supervisor="1:1", process="2:1")
    assert ids(workers.is_there) == ["D020"]


def test_a_silent_worker_beside_others_is_a_note(worker: Worker) -> None:
    make_worker(node="lost@far", queues=["celery"], heartbeat_at=now() - 5 * MINUTE)
    [finding] = found(workers.is_there)
    assert (finding.id, finding.severity) == ("D023", Severity.NOTE)
    assert "lost@far" in finding.what


def test_a_queue_that_nobody_reads_is_told_with_its_functions_and_the_option_that_helps(
    worker: Worker, route: Route
) -> None:
    route("tests.shop.defer.note", "mails")
    [finding] = found(workers.reads_each_queue)
    assert (finding.id, finding.severity) == ("D021", Severity.ERROR)
    assert finding.what == "No worker reads the queue 'mails', where tests.shop.defer.note goes."
    assert "'celery'" in finding.why
    assert finding.remedy[0].endswith("worker -Q celery,mails")


def test_several_workers_may_share_the_queues(worker: Worker, route: Route) -> None:
    route("tests.shop.defer.note", "mails")
    make_worker(queues=["mails", "other"])
    assert ids(workers.reads_each_queue) == []


def test_when_only_beats_rings_are_not_read_it_is_a_warning(worker: Worker, route: Route) -> None:
    route("deferapp.tick", "rings")
    [finding] = found(workers.reads_each_queue)
    assert (finding.id, finding.severity) == ("D021", Severity.WARNING)


def test_a_worker_that_has_not_said_what_it_reads_is_not_accused(worker: Worker, route: Route) -> None:
    route("tests.shop.defer.note", "mails")
    make_worker(queues=None)
    assert ids(workers.reads_each_queue) == []


def test_workers_of_whom_none_keeps_house_for_long_are_told(worker: Worker) -> None:
    Housekeeping.objects.update(lease_until=now() - MINUTE)
    assert ids(workers.keeps_house) == ["D022"]
    Worker.objects.update(started_at=now())
    assert ids(workers.keeps_house) == [], "it has just started"


@pytest.mark.parametrize(
    ("offset", "severity", "said"),
    [(90, Severity.ERROR, "90 s ahead"), (-2, Severity.WARNING, "2.0 s behind"), (-7200, Severity.ERROR, "2 h behind")],
)
def test_a_clock_that_is_wrong_is_told_with_its_machine(
    worker: Worker, offset: int, severity: Severity, said: str
) -> None:
    make_worker(queues=["celery"], host="far/boot/pid", clock_offset=offset * SECOND)
    [finding] = found(workers.have_one_time)
    assert (finding.id, finding.severity) == ("D024", severity)
    assert f"far is {said}" in finding.what


def test_a_second_of_difference_is_nothing(worker: Worker) -> None:
    make_worker(clock_offset=SECOND)
    assert ids(workers.have_one_time) == []


def test_this_machines_own_clock_is_compared_too(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deferapp.clock.now", lambda: now() + MINUTE)
    [finding] = found(workers.have_one_time)
    assert presence.process.host().partition("/")[0] in finding.what


@pytest.mark.parametrize(("limit", "expected"), [(15.0, []), (5.0, []), (2.0, ["D025"])])
def test_a_limit_that_takes_the_living_for_dead_is_told(
    settings: LazySettings, limit: float, expected: list[str]
) -> None:
    settings.DEFER = {"HEARTBEAT_LIMIT": limit}
    assert ids(workers.are_given_time) == expected
