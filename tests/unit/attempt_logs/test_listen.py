"""What the handler hears, and for which execution."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest

from deferapp.clock import now
from deferapp.executions.current import CurrentExecution, running
from deferapp.executions.logs.listen import listen, listener
from deferapp.executions.logs.log import LONGEST, Log

logger = logging.getLogger("shop.of.the.tests")


@pytest.fixture
def log() -> Iterator[Log]:
    """The log of an execution that runs here."""
    log = Log(uuid4(), 1)
    current = CurrentExecution(
        id=log.execution_id, function="shop.defer.f", attempt=1, parent_id=None, created_at=now(), log=log
    )
    logger.setLevel(logging.INFO)
    listen()
    with running(current):
        yield log
    logger.setLevel(logging.NOTSET)


def heard(log: Log) -> list[str]:
    return [each[3] for each in log.snapshot().lines if each]


def test_any_logger_is_heard_from_the_level_on_that_the_project_lets_through(log: Log) -> None:
    logger.debug("too quiet")
    logger.info("sent %d mails", 3)
    logging.getLogger("another").error("oh")
    assert [each and each[1:] for each in log.snapshot().lines] == [
        ["INFO", "shop.of.the.tests", "sent 3 mails"],
        ["ERROR", "another", "oh"],
    ]


@pytest.mark.parametrize("name", ["deferapp", "deferapp.workers", "celery.worker", "kombu", "amqp", "celery"])
def test_loggers_that_speak_of_how_functions_are_run_are_not_heard(log: Log, name: str) -> None:
    logging.getLogger(name).error("lost")
    assert heard(log) == []


@pytest.mark.parametrize("name", ["deferapp2", "celery.redirected", "shop.celery"])
def test_what_functions_print_and_what_only_looks_alike_is_heard(log: Log, name: str) -> None:
    logging.getLogger(name).error("said")
    assert heard(log) == ["said"]


def test_outside_of_executions_nothing_is_kept() -> None:
    listen()
    logger.error("not in a body")


def test_a_logger_that_does_not_propagate_is_heard_once(log: Log) -> None:
    alone = logging.getLogger("shop.alone")
    alone.propagate = False
    alone.addHandler(logging.NullHandler())
    logging.root.removeHandler(listener)
    listen()
    alone.error("by myself")
    logging.getLogger("shop.alone.below").error("below")
    assert heard(log) == ["by myself", "below"]
    alone.handlers = []
    alone.propagate = True


def test_a_set_up_of_logging_does_not_end_the_listening(log: Log) -> None:
    before = logging.root.handlers[:]
    logging.root.handlers = []
    listen()
    listen()
    assert logging.root.handlers == [listener]
    logging.root.handlers = before
    logger.error("heard")
    assert heard(log) == ["heard"]


def test_an_exception_comes_with_its_traceback(log: Log) -> None:
    try:
        raise LookupError("no street 7")
    except LookupError:
        logger.exception("cannot deliver")
    (text,) = heard(log)
    assert text.startswith("cannot deliver\nTraceback (most recent call last):\n")
    assert text.endswith("LookupError: no street 7")


def test_of_a_long_traceback_the_end_is_kept_in_whole_lines(log: Log) -> None:
    try:
        raise LookupError("\n".join(f"line {number} " + "x" * 100 for number in range(1_000)))
    except LookupError:
        logger.exception("cannot deliver")
    head, *rest = heard(log)[0].splitlines()
    assert head == "cannot deliver"
    assert all(each.startswith("line ") for each in rest)
    assert rest[-1].startswith("line 999")
    assert len(heard(log)[0]) < LONGEST


class Talkative:
    """Logs itself when it is written out."""

    def __str__(self) -> str:
        logger.error("I am %s", self)
        return "talkative"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_a_line_that_logs_itself_does_not_recurse_for_ever(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest's own handler would recurse.
    monkeypatch.setattr(logging.root, "handlers", [listener, logging.NullHandler()])
    logger.error("%s", Talkative())
    logger.error("and on")
    assert heard(log) == ["talkative", "and on"]


def test_a_line_that_cannot_be_read_is_told_and_raises_nothing(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.root, "handlers", [listener, logging.NullHandler()])
    logger.error("%s", Broken())
    logger.error("%d mails", "three")
    first, second = heard(log)
    assert first == "A line that cannot be read, for a RuntimeError: %s"
    assert second.startswith("A line that cannot be read, for a TypeError: %d mails")


def test_where_no_logging_is_set_up_warnings_are_printed_as_before(
    log: Log, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    listen()
    logger.info("quiet")
    logger.warning("loud")
    logging.getLogger("deferapp.workers").warning("ours")
    with_handler = logging.getLogger("shop.with.handler")
    with_handler.addHandler(logging.NullHandler())
    with_handler.warning("handled")
    with_handler.handlers = []
    assert capsys.readouterr().err == "loud\nours\n"
    assert heard(log) == ["quiet", "loud", "handled"]


def test_beside_another_handler_nothing_is_printed(
    log: Log, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [logging.NullHandler()])
    listen()
    logger.warning("loud")
    assert capsys.readouterr().err == ""
