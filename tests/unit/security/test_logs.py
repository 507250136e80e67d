"""What deferapp logs is redacted: the line, the traceback, and the error that was being handled meanwhile."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError

import deferapp
from deferapp import defer, logs, signals
from deferapp.dispatch.broker import Broker
from deferapp.executions import tell
from deferapp.executions.endings import on_failure
from deferapp.executions.endings.errors import judge
from deferapp.models import Execution
from deferapp.redact import STARS
from deferapp.workers import attempt, persist
from deferapp.workers.attempt import Gone
from tests.unit.security import functions
from tests.unit.security.functions import CALL, SECRET

SAID = f"failing row contains ('ada', password='{SECRET}')"


class Unjudged(type):
    """Of a type of errors that no error can be asked about."""

    def __instancecheck__(cls, error: object) -> bool:
        raise RuntimeError(f"no judgement of api_key={SECRET}")


class Odd(Exception, metaclass=Unjudged):
    pass


def not_recorded(_: Callable[[str], None]) -> None:
    attempt.not_recorded(DatabaseError(SAID), Gone(reason=""))


def not_judged(_: Callable[[str], None]) -> None:
    try:
        raise ValueError(SAID)
    except ValueError as error:
        judge(error, give_up_on=(Odd,))


def away(_: Callable[[str], None]) -> None:
    tries = iter([OperationalError(SAID)])

    def write() -> None:
        for error in tries:
            raise error

    persist.persist(write)


def not_told(_: Callable[[str], None]) -> None:
    def executions() -> list[Execution]:
        raise RuntimeError(SAID)

    tell.of(signals.failed, executions)


def not_handed_on(_: Callable[[str], None]) -> None:
    def refuses(execution: Execution, more: int) -> None: ...

    handler = defer(refuses)
    failing = defer(functions.charge)
    object.__setattr__(failing.config, "on_failure", handler)
    on_failure.enqueue(failing.enqueue("ada", **CALL))


def no_broker(use: Callable[[str], None]) -> None:
    use(f"redis://:{SECRET}#@127.0.0.1:1/0")
    assert not Broker().send("deferapp.tick", [], {})


@pytest.mark.usefixtures("transactional_db", "empty_registry", "queue")
@pytest.mark.parametrize("mishap", [not_recorded, not_judged, away, not_told, not_handed_on, no_broker])
def test_a_mishap_is_logged_without_its_secrets(
    mishap: Callable[..., None],
    use_broker: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tell, "is_heard", lambda *_: True)
    mishap(use_broker)
    ours = [record for record in caplog.records if record.name.startswith("deferapp.")]
    text = "\n".join(caplog.handler.format(record) for record in ours)
    assert ours
    assert SECRET not in text
    assert all(record.exc_info is None for record in ours)  # which handlers would format anew


def emitted(message: str, *args: object, **named: Any) -> logging.LogRecord:
    record = logging.LogRecord("deferapp.workers", logging.ERROR, __file__, 1, message, args, named.get("exc_info"))
    assert logs.redacted(record)
    return record


def test_a_line_keeps_what_is_no_secret() -> None:
    assert emitted("%s: %d lost of token=%s", "mail", 3, SECRET).getMessage() == f"mail: 3 lost of token={STARS}"


def test_a_traceback_keeps_its_frames() -> None:
    try:
        raise ValueError(SAID)
    except ValueError as error:
        text = logging.Formatter().format(emitted("failed", exc_info=(type(error), error, error.__traceback__)))
    assert "in test_a_traceback_keeps_its_frames" in text
    assert f"password={STARS}" in text
    assert SECRET not in text


def test_a_line_that_cannot_be_redacted_is_withheld_and_breaks_nothing(settings: Any) -> None:
    assert SECRET not in emitted("%d lost", f"token={SECRET}").getMessage()
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = "no.such.Filter"
    record = emitted("token=%s", SECRET)
    assert record.getMessage() == "A line that cannot be redacted, for a ModuleNotFoundError"


def test_every_logger_of_deferapp_is_redacted() -> None:
    root = Path(deferapp.__file__).parent
    code = "\n".join(path.read_text() for path in root.rglob("*.py") if path.name != "logs.py")
    names = re.findall(r"getLogger\((.*?)\)", code)
    assert {name.strip("\"'") for name in names} == set(logs.NAMES)
    assert all(logs.redacted in logging.getLogger(name).filters for name in logs.NAMES)
