"""The logs of attempts that run: written when they end, and while they last."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, OperationalError, connections, transaction
from django.test.utils import CaptureQueriesContext

from deferapp import defer
from deferapp.executions.ids import new_id
from deferapp.executions.logs import orphans, read, write
from deferapp.executions.logs.log import Line, Log
from deferapp.executions.states import State
from deferapp.functions.function import BackgroundFunction
from deferapp.models import AttemptLog, Execution
from deferapp.workers import bodies, loop, presence, watch
from deferapp.workers.run import run
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_registry")]

logger = logging.getLogger("shop")
go_on = threading.Event()


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    logger.setLevel(logging.INFO)
    go_on.clear()
    yield
    loop.run(sync_to_async(connections.close_all)())
    logger.setLevel(logging.NOTSET)


def says_nothing() -> None: ...


async def says_nothing_together() -> None: ...


def speaks() -> None:
    logger.info("one")
    logger.info("two")


async def speaks_together() -> None:
    logger.info("one")
    await asyncio.sleep(0)
    logger.info("two")


def speaks_and_fails() -> None:
    logger.warning("password=%s", "hunter2")
    raise ValueError("no")


async def speaks_in_threads_of_its_context() -> None:
    await sync_to_async(logger.info)("sync_to_async")
    await asyncio.to_thread(logger.info, "to_thread")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(copy_context().run, logger.info, "nested").result()
    await asyncio.create_task(_say("task"))


async def _say(text: str) -> None:
    logger.info(text)


def speaks_in_a_thread_of_its_own() -> None:
    thread = threading.Thread(target=logger.info, args=("from the thread",))
    thread.start()
    thread.join()


def speaks_and_stays() -> None:
    logger.info("before")
    assert go_on.wait(30)
    logger.info("after")


def run_all(function: BackgroundFunction[..., Any], count: int = 1) -> list[Execution]:
    executions = [function.enqueue() for _ in range(count)]
    run(function, [each.id for each in executions])
    for each in executions:
        each.refresh_from_db()
    return executions


def said(execution: Execution) -> list[str]:
    (log,) = read.of(execution.id).values()
    assert log.dropped == 0
    return [line.text for line in (*log.first, *log.last)]


@pytest.mark.parametrize("body", [speaks, speaks_together])
def test_what_is_logged_stands_with_its_attempt_however_many_run_together(body: Any) -> None:
    for execution in run_all(defer(body), 3):
        assert said(execution) == ["one", "two"]


@pytest.mark.parametrize("body", [says_nothing, says_nothing_together])
def test_where_nothing_is_logged_nothing_is_written(body: Any) -> None:
    with CaptureQueriesContext(connections["default"]) as queries:
        run_all(defer(body))
    assert not AttemptLog.objects.exists()
    assert not [query for query in queries if "attemptlog" in query["sql"]]


def test_what_is_logged_is_written_by_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    with CaptureQueriesContext(connections["default"]) as queries:
        run_all(defer(speaks))
    assert len([query for query in queries if "attemptlog" in query["sql"]]) == 1


def test_a_failed_attempt_keeps_its_log_with_secrets_starred_out_and_the_next_has_one_of_its_own() -> None:
    function = defer(speaks_and_fails, retry={"initial_interval": 0, "max_attempts": 1})
    (execution,) = run_all(function)
    run(function, [execution.id])
    execution.refresh_from_db()
    assert (execution.state, execution.attempt) == (State.FAILED, 2)
    logs = read.of(execution.id)
    assert list(logs) == [1, 2]
    (line,) = logs[2].first
    assert (line.level, line.logger) == ("WARNING", "shop")
    assert "hunter2" not in line.text
    assert line.moment > execution.created_at


def test_threads_that_carry_the_context_of_the_body_are_heard() -> None:
    (execution,) = run_all(defer(speaks_in_threads_of_its_context))
    assert said(execution) == ["sync_to_async", "to_thread", "nested", "task"]


def test_any_thread_is_heard_where_the_process_does_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_listener(), "of_lone_body", bodies.log_of_the_only_one)
    function = defer(speaks_in_a_thread_of_its_own)
    (alone,) = run_all(function)
    assert read.of(alone.id) == {}
    supervisor = presence.node().supervisor
    monkeypatch.setattr(type(presence.node()), "pid", property(lambda _self: 1))
    (in_a_pool,) = run_all(function)
    assert said(in_a_pool) == ["from the thread"]
    assert presence.node().supervisor == supervisor


def write_listener() -> Any:
    from deferapp.executions.logs.listen import listener

    return listener


def test_a_long_body_is_written_while_it_lasts_and_again_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "INTERVAL", 0.0)
    monkeypatch.setattr(watch, "ASK_INTERVAL", 0.0)
    seen: list[list[str]] = []

    def look() -> None:
        wait_until(AttemptLog.objects.exists, 20, "the log is written while the body runs")
        seen.append(said(Execution.objects.get()))
        go_on.set()
        connections.close_all()

    looker = threading.Thread(target=look)
    looker.start()
    (execution,) = run_all(defer(speaks_and_stays))
    looker.join()
    assert seen == [["before"]]
    assert said(execution) == ["before", "after"]


@pytest.mark.parametrize("error", [OperationalError("away"), DatabaseError("no such table"), RuntimeError("a bug")])
def test_a_log_that_cannot_be_written_fails_nothing_and_is_told_once(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(write, "_told_at", float("-inf"))
    monkeypatch.setattr(write, "_upsert", refuse)
    first, second = run_all(defer(speaks), 2)
    assert (first.state, second.state) == (State.SUCCEEDED, State.SUCCEEDED)
    assert [record.getMessage() for record in caplog.records].count("The logs of attempts cannot be written") == 1


def test_inside_a_transaction_a_log_that_cannot_be_written_spoils_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_statement", lambda *_: "INSERT INTO no_such_table VALUES (%s, %s, %s, %s)")
    log = Log(uuid4(), 1)
    log.add(Line(0.0, "INFO", "shop", "a"))
    with transaction.atomic():
        write.write([log])
        assert not Execution.objects.exists()
    assert log.is_unwritten
    monkeypatch.undo()
    write.write([log])
    assert not log.is_unwritten


def test_a_log_that_another_thread_is_writing_for_ever_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(write, "PATIENCE", 0.01)

    def is_written_elsewhere() -> None:
        (body,) = bodies.running()
        assert body.log is not None
        body.log.writing.acquire()
        logger.info("unheard of")

    (execution,) = run_all(defer(is_written_elsewhere))
    assert execution.state == State.SUCCEEDED
    assert read.of(execution.id) == {}


def test_a_log_that_was_written_after_its_execution_was_deleted_goes_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "LOOKED_AT", 2)
    run_all(defer(speaks), 1)
    kept = AttemptLog.objects.get()
    for number in range(3):
        AttemptLog.objects.create(execution_id=new_id(), number=number)
    looker = orphans.Orphans()
    assert [looker.prune() for _round in range(3)] == [1, 2, 0]
    assert AttemptLog.objects.get() == kept


def test_logs_go_when_their_execution_goes(settings: Any) -> None:
    from deferapp.executions.prune import prune

    settings.DEFER = {"RETENTION": 0}
    run_all(defer(speaks), 2)
    assert AttemptLog.objects.count() == 2
    assert prune() == 2
    assert not AttemptLog.objects.exists()
