"""What is recorded of an exception."""

from __future__ import annotations

import pytest

from deferapp.executions.endings import failure
from deferapp.executions.states import ErrorCode


class Unreadable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_an_exception_is_kept_with_type_message_and_traceback() -> None:
    what = failure.of(raised(ValueError("no street")))
    assert (what.code, what.type, what.message) == (ErrorCode.FUNCTION_FAILED, "ValueError", "no street")
    assert what.traceback.startswith("Traceback (most recent call last):")
    assert what.traceback.endswith("ValueError: no street\n")
    assert "in raised" in what.traceback
    assert not what.is_permanent


def test_the_type_is_named_with_its_module() -> None:
    assert failure.of(Unreadable()).type == f"{__name__}.Unreadable"


def test_an_exception_that_cannot_say_what_it_is_is_kept_all_the_same() -> None:
    assert failure.of(Unreadable()).message == "(its message could not be read)"


@pytest.mark.parametrize(
    ("text", "stored"),
    [("a\0b", "a\\x00b"), ("\ud800", "\\ud800"), ("grüße 🎉", "grüße 🎉"), ("\\x00", "\\x00")],
)
def test_what_a_database_cannot_hold_is_shown_as_an_escape(text: str, stored: str) -> None:
    assert failure.of(ValueError(text)).message == stored


def test_a_long_message_and_a_long_traceback_are_cut() -> None:
    what = failure.of(raised(ValueError("x" * 100_000)))
    assert what.message == "x" * failure.MESSAGE_LIMIT
    assert len(what.traceback) == failure.TRACEBACK_LIMIT
    assert what.traceback.endswith("x\n")


@pytest.mark.parametrize(
    ("error", "summary"),
    [(ValueError("\n one\ntwo"), "ValueError: one"), (ValueError(), "ValueError: "), (SystemExit(3), "SystemExit: 3")],
)
def test_the_summary_is_one_line(error: BaseException, summary: str) -> None:
    assert failure.of(error).summary == summary
