"""What is heard of the project's own Celery tasks, run by Celery's own tracer."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from billiard.exceptions import WorkerLostError
from celery import Celery, Task, signals
from celery.exceptions import Ignore, Reject
from django.conf import LazySettings

from deferapp import defer
from deferapp.clock import now
from deferapp.dispatch.broker import celery_app
from deferapp.observe import listen, names
from deferapp.observe.write import Seen
from tests.unit.observe.conftest import Run
from tests.unit.queue import MemoryQueue
from tests.unit.watching.conftest import inside


@pytest.fixture
def mail(app: Celery) -> Task:
    @app.task(name="shop.tasks.mail", shared=False)
    def mail(number: int) -> int:
        if number < 0:
            raise ValueError("negative")
        return number

    return mail


def test_a_task_that_succeeds_is_seen_with_its_times(mail: Task, run: Run) -> None:
    id = str(uuid4())
    (seen,) = run(mail, 1, id=id, **{listen.SENT_AT: (now() - timedelta(seconds=60)).isoformat()})
    assert seen.failure is None
    end = seen.end
    assert (end.function, end.outcome, end.execution_id, end.number) == (
        "celery:shop.tasks.mail",
        "succeeded",
        UUID(id),
        1,
    )
    assert end.wait is not None
    assert timedelta(seconds=60) <= end.wait < timedelta(seconds=90)
    assert end.duration is not None
    assert timedelta() <= end.duration < timedelta(seconds=30)


def test_a_wait_begins_when_a_task_was_to_start_and_is_unknown_without_its_header(mail: Task, run: Run) -> None:
    sent = {listen.SENT_AT: (now() - timedelta(hours=1)).isoformat()}
    due = (now() - timedelta(seconds=10)).isoformat()
    run(mail, 1, **sent, eta=due)
    run(mail, 1, eta=due)
    waits = [seen.end.wait for seen in run(mail, 1, **{listen.SENT_AT: "nonsense"})]
    assert waits[0] is not None
    assert timedelta(seconds=10) <= waits[0] < timedelta(seconds=40)
    assert waits[1:] == [None, None]


def test_a_task_that_fails_is_seen_with_what_it_raised(mail: Task, run: Run) -> None:
    (seen,) = run(mail, -1, id="of the project's own making")
    failure = seen.failure
    assert failure is not None
    assert (seen.end.outcome, seen.end.error_key) == ("failed", failure.error_key)
    assert (failure.error_type, failure.error_message, failure.error_code) == ("ValueError", "negative", "ER0003")
    assert failure.place.endswith("test_listen:mail.<locals>.mail")
    assert 'raise ValueError("negative")' in failure.traceback
    assert (failure.worker, failure.enqueued_by) == ("celery@web1", "gen7@web1")
    assert (failure.task_id, failure.run) == ("of the project's own making", seen.end.execution_id)


def test_errors_of_a_task_and_of_a_function_of_that_name_are_not_one(mail: Task, run: Run) -> None:
    (seen,) = run(mail, -1)
    assert seen.end.function == names.name_of("shop.tasks.mail") != "shop.tasks.mail"


def test_an_attempt_that_is_retried_is_seen_as_that_with_what_was_raised(
    app: Celery, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.task(name="shop.tasks.fetch", shared=False, bind=True, autoretry_for=(LookupError,), max_retries=3)
    def fetch(self: Task) -> None:
        raise LookupError("not yet")

    monkeypatch.setattr("celery.canvas.Signature.apply_async", lambda *_args, **_options: None)
    (seen,) = run(fetch, retries=1)
    assert (seen.end.outcome, seen.end.number) == ("retried", 2)
    assert seen.failure is not None
    assert (seen.failure.error_type, seen.failure.is_retried) == ("LookupError", True)
    assert run(fetch, retries=3)[1].end.outcome == "failed"


@pytest.mark.parametrize("raised", [Ignore(), Reject()])
def test_what_a_task_wants_to_be_ignored_is(app: Celery, run: Run, raised: Exception) -> None:
    @app.task(name="shop.tasks.ignoring", shared=False)
    def ignoring() -> None:
        raise raised

    assert run(ignoring) == []
    assert not listen._running


@pytest.mark.parametrize(
    ("wanted", "is_seen"),
    [
        (True, True),
        (["shop.tasks.mail"], True),
        (("other", "shop.*"), True),
        (["shop.tasks"], False),
        ([], False),
        (False, False),
    ],
)
def test_those_tasks_are_seen_that_the_setting_names(
    mail: Task, run: Run, settings: LazySettings, wanted: Any, is_seen: bool
) -> None:
    settings.DEFER = {"OBSERVE_CELERY_TASKS": wanted}
    assert bool(run(mail, 1)) == is_seen


@pytest.mark.parametrize("name", ["celery.backend_cleanup", "deferapp.tick"])
def test_tasks_of_celery_and_of_ours_are_not_seen(app: Celery, run: Run, settings: LazySettings, name: str) -> None:
    settings.DEFER = {"OBSERVE_CELERY_TASKS": [name, "*"]}
    assert run(app.task(name=name, shared=False)(_plain)) == []


def test_the_task_that_carries_a_function_is_not_seen(run: Run, empty_registry: None) -> None:
    from deferapp.workers import tasks

    function = defer(_plain)
    tasks.register(function)
    assert run(celery_app().tasks[function.name], [], version=1) == []


def _plain() -> None: ...


def test_what_a_task_runs_in_its_own_process_is_not_seen(mail: Task, app: Celery, run: Run) -> None:
    @app.task(name="shop.tasks.outer", shared=False)
    def outer() -> None:
        mail.apply(args=(1,))
        mail.apply(args=(-1,))

    assert [seen.end.function for seen in run(outer)] == ["celery:shop.tasks.outer"]


def test_a_task_whose_process_dies_is_seen_once_as_failed(mail: Task, seen: list[Seen]) -> None:
    for _ in range(2):
        signals.task_failure.send(sender=mail, task_id="7", exception=WorkerLostError("signal 9"), args=[], kwargs={})
    (only,) = seen
    assert (only.end.outcome, only.end.duration) == ("failed", None)
    assert only.failure is not None
    assert only.failure.error_message == "signal 9"


def test_a_task_that_is_revoked_is_seen_as_cancelled(mail: Task, seen: list[Seen]) -> None:
    request = mail.request
    request.id = "8"
    signals.task_revoked.send(sender=mail, request=request, terminated=False, signum=None, expired=True)
    assert [each.end.outcome for each in seen] == ["cancelled"]


@pytest.mark.parametrize("where", ["_tell", "now"])
def test_a_task_succeeds_though_looking_at_it_fails(
    app: Celery, run: Run, where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args: Any) -> None:
        raise RuntimeError("of the test")

    done: list[int] = []

    @app.task(name="shop.tasks.append", shared=False)
    def append(number: int) -> None:
        done.append(number)

    monkeypatch.setattr(listen, where, fail)
    assert run(append, 1) == []
    assert done == [1]
    assert [record for record in caplog.records if record.levelno == logging.ERROR]


def test_what_never_ends_is_forgotten_in_time(mail: Task, seen: list[Seen], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "MOST", 3)
    for number in range(5):
        signals.task_prerun.send(sender=mail, task_id=str(number), task=mail, args=[], kwargs={})
    assert list(listen._running) == ["2", "3", "4"]
    listen._running.clear()


def test_a_message_says_when_it_was_sent_and_by_which_execution(
    queue: MemoryQueue, settings: LazySettings, empty_registry: None
) -> None:
    settings.DEFER = {"OBSERVE_CELERY_TASKS": ["shop.*"]}
    heard: list[dict[str, Any]] = []

    def hear(headers: dict[str, Any], **_kwargs: Any) -> None:
        heard.append(dict(headers))

    signals.before_task_publish.connect(hear)
    try:
        with inside() as current:
            celery_app().send_task("shop.tasks.mail")
            celery_app().send_task("other.tasks.mail")
        celery_app().send_task("shop.tasks.mail")
    finally:
        signals.before_task_publish.disconnect(hear)
    said = [{name: each[name] for name in (listen.SENT_AT, listen.SENT_BY) if name in each} for each in heard]
    assert [list(each) for each in said] == [[listen.SENT_AT, listen.SENT_BY], [], [listen.SENT_AT]]
    assert said[0][listen.SENT_BY] == str(current.id)
