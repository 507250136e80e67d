"""The execution in the project's own logs."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import logging.handlers
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import structlog

from deferapp.watching.logs import JsonFormatter, add_execution
from tests.unit.watching.conftest import inside


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def make_logger(stream: io.StringIO) -> Iterator[Any]:
    """A logger as `LOGGING` sets it up, with a formatter."""
    name = f"of-a-test-{uuid4().hex}"

    def make(**formatter: Any) -> logging.Logger:
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "filters": {"execution": {"()": "deferapp.watching.logs.ExecutionFilter"}},
                "formatters": {"line": formatter},
                "handlers": {
                    "here": {
                        "class": "logging.StreamHandler",
                        "stream": stream,
                        "formatter": "line",
                        "filters": ["execution"],
                    }
                },
                "loggers": {name: {"handlers": ["here"], "level": "INFO", "propagate": False}},
            }
        )
        return logging.getLogger(name)

    yield make
    logging.getLogger(name).handlers.clear()


def test_a_line_of_text_names_the_execution_that_says_it(make_logger: Any, stream: io.StringIO) -> None:
    logger = make_logger(format="%(execution_id)s %(execution_function)s#%(execution_attempt)s %(message)s")
    with inside() as current:
        logger.info("sent")
    assert stream.getvalue() == f"{current.id} shop.defer.mail#2 sent\n"


def test_outside_of_any_execution_a_line_of_text_has_dashes(make_logger: Any, stream: io.StringIO) -> None:
    make_logger(format="%(execution_id)s %(execution_parent_id)s %(message)s").info("sent")
    assert stream.getvalue() == "- - sent\n"


def test_a_line_of_json_has_the_execution_and_what_extra_says(make_logger: Any, stream: io.StringIO) -> None:
    logger = make_logger(**{"()": "deferapp.watching.logs.JsonFormatter"})
    parent = uuid4()
    with inside(parent_id=parent) as current:
        logger.warning("%d sent to Zoë", 3, extra={"order": 7, "seen": current.created_at})
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": logger.name,
        "message": "3 sent to Zoë",
        "execution_id": str(current.id),
        "execution_function": "shop.defer.mail",
        "execution_attempt": 2,
        "execution_parent_id": str(parent),
        "order": 7,
        "seen": str(current.created_at),
    }


def test_a_line_of_json_outside_of_any_execution_says_nothing_of_one(make_logger: Any, stream: io.StringIO) -> None:
    make_logger(**{"()": "deferapp.watching.logs.JsonFormatter"}).info("sent")
    assert set(json.loads(stream.getvalue())) == {"time", "level", "logger", "message"}


def test_a_traceback_is_in_the_line_of_json(make_logger: Any, stream: io.StringIO) -> None:
    logger = make_logger(**{"()": "deferapp.watching.logs.JsonFormatter"})
    try:
        raise LookupError("gone")
    except LookupError:
        logger.exception("It failed")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["exception"].splitlines()[-1] == "LookupError: gone"


def test_what_cannot_be_written_as_json_or_text_fails_no_line() -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError

    record = logging.makeLogRecord({"msg": "said", "thing": Broken()})
    assert json.loads(JsonFormatter().format(record))["thing"] == "a Broken"


def test_a_record_that_goes_through_a_queue_keeps_the_execution_that_said_it(stream: io.StringIO) -> None:
    from deferapp.watching.logs import ExecutionFilter

    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(records)
    handler.addFilter(ExecutionFilter())
    with inside() as current:
        handler.handle(logging.makeLogRecord({"msg": "said"}))
    written: list[str] = []
    thread = threading.Thread(target=lambda: written.append(JsonFormatter().format(records.get(timeout=10))))
    thread.start()
    thread.join(30)
    assert json.loads(written[0])["execution_id"] == str(current.id)


def test_structlog_adds_the_execution_to_its_events() -> None:
    with structlog.testing.capture_logs(processors=[add_execution]) as events:
        structlog.get_logger().info("sent")
        with inside() as current:
            structlog.get_logger().info("sent", order=7)
    told = {"execution_id": str(current.id), "execution_function": "shop.defer.mail", "execution_attempt": 2}
    assert events == [
        {"event": "sent", "log_level": "info"},
        {"event": "sent", "log_level": "info", "order": 7, **told},
    ]


def test_it_is_imported_by_settings_before_any_model_is() -> None:
    code = "import sys, deferapp.watching.logs; assert 'deferapp.models' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
