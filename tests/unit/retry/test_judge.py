"""Whose word counts: the function's, the error's, or that of an error before it."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from deferapp import GiveUp, Retry
from deferapp.exceptions import DurationError, ResultError
from deferapp.executions.endings.errors import Verdict, judge
from deferapp.executions.endings.errors.verdict import PERMANENT, TRANSIENT


class MailNotSent(Exception):
    pass


class StillNotSent(MailNotSent):
    pass


def answered(status: int, **headers: str) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://example.com/")
    response = httpx.Response(status, headers={key.replace("_", "-"): value for key, value in headers.items()})
    return httpx.HTTPStatusError(f"{status}", request=request, response=response)


LATER = Verdict(retry_after=timedelta(minutes=1), is_postponed=True)


def raised(error: BaseException, *, cause: BaseException | None = None, handling: BaseException | None = None):
    """The error as it is when it was raised from another, or while another was being handled."""
    try:
        if handling is None:
            raise error from cause
        try:
            raise handling
        except BaseException:
            raise error  # noqa: B904 - this is what is tested
    except BaseException as caught:
        return caught


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), OSError("x"), SystemExit(3), AssertionError()])
def test_what_is_not_known_may_pass(error: BaseException) -> None:
    assert judge(error) == TRANSIENT


def test_a_result_that_cannot_be_stored_is_permanent() -> None:
    assert judge(ResultError("a socket")) == PERMANENT


def test_an_error_is_what_it_was_raised_from() -> None:
    assert judge(raised(MailNotSent(), cause=answered(404))) == PERMANENT
    assert judge(raised(MailNotSent(), cause=answered(503))) == TRANSIENT
    assert judge(raised(MailNotSent(), cause=answered(429, retry_after="60"))) == LATER
    deep = raised(MailNotSent(), cause=raised(ValueError(), cause=smtplib.SMTPDataError(554, b"spam")))
    assert judge(deep) == PERMANENT


def test_an_error_that_speaks_for_itself_is_not_what_it_was_raised_from() -> None:
    assert judge(raised(ConnectionError(), cause=answered(404))) == TRANSIENT
    assert judge(raised(answered(404), cause=ConnectionError())) == PERMANENT


def test_an_error_in_the_handling_of_another_is_no_reason_to_give_up() -> None:
    assert judge(raised(KeyError("body"), handling=answered(404))) == TRANSIENT


def test_when_to_come_back_is_believed_of_an_error_that_was_being_handled() -> None:
    assert judge(raised(MailNotSent(), handling=answered(429, retry_after="60"))) == LATER


def test_an_error_that_was_put_aside_has_no_word() -> None:
    error = raised(MailNotSent(), handling=answered(429, retry_after="60"))
    error.__suppress_context__ = True
    assert judge(error) == TRANSIENT


def test_a_ring_of_causes_is_gone_round_once() -> None:
    first, second = MailNotSent(), ValueError()
    first.__cause__, second.__cause__ = second, first
    assert judge(first) == TRANSIENT


def test_give_up_on_names_errors_that_end_the_execution_with_those_that_derive_from_them() -> None:
    assert judge(MailNotSent(), give_up_on=MailNotSent) == PERMANENT
    assert judge(StillNotSent(), give_up_on=(KeyError, MailNotSent)) == PERMANENT
    assert judge(KeyError(), give_up_on=MailNotSent) == TRANSIENT


def test_retry_on_names_errors_that_are_retried_although_they_look_permanent() -> None:
    assert judge(answered(404), retry_on=httpx.HTTPStatusError) == TRANSIENT
    assert judge(raised(MailNotSent(), cause=answered(404)), retry_on=MailNotSent) == TRANSIENT
    assert judge(answered(404), retry_on=MailNotSent) == PERMANENT


def test_give_up_on_goes_before_retry_on() -> None:
    assert judge(StillNotSent(), retry_on=StillNotSent, give_up_on=MailNotSent) == PERMANENT


def test_give_up_on_goes_before_a_server_that_says_when_to_come_back() -> None:
    assert judge(answered(429, retry_after="60"), give_up_on=httpx.HTTPStatusError) == PERMANENT


def test_a_server_that_says_when_to_come_back_is_believed_of_what_is_retried_by_name() -> None:
    assert judge(answered(429, retry_after="60"), retry_on=httpx.HTTPStatusError) == LATER


@pytest.mark.parametrize("after", ["10m", timedelta(minutes=10), 600, 600.0, "PT10M"])
def test_a_function_says_when_it_wants_to_be_retried(after: object) -> None:
    assert judge(Retry(after=after)) == Verdict(retry_after=timedelta(minutes=10))


def test_a_retry_without_a_time_leaves_it_to_the_server_or_the_policy() -> None:
    assert judge(Retry()) == TRANSIENT
    assert judge(raised(Retry(), cause=answered(429, retry_after="60"))) == LATER


def test_what_a_function_says_goes_before_everything_else() -> None:
    wish = raised(Retry("not yet", after=5), cause=answered(404))
    assert judge(wish, give_up_on=Exception) == Verdict(retry_after=timedelta(seconds=5))
    assert (
        judge(raised(GiveUp("no such street"), cause=answered(429, retry_after="60")), retry_on=Exception) == PERMANENT
    )


def test_a_wish_says_why() -> None:
    assert str(Retry("the queue is full", after=5)) == "the queue is full"
    assert str(Retry(after=5)) == "The function asked for another attempt."
    assert str(GiveUp("no such street")) == "no such street"


@pytest.mark.parametrize("after", ["soon", -1, True, "11000 days", float("nan")])
def test_a_time_that_is_none_is_refused_where_it_is_said(after: object) -> None:
    with pytest.raises(DurationError):
        Retry(after=after)


def test_a_group_is_given_up_when_each_of_its_errors_is() -> None:
    assert judge(ExceptionGroup("all", [answered(404), GiveUp("x")])) == PERMANENT
    assert judge(ExceptionGroup("some", [answered(404), ConnectionError()])) == TRANSIENT
    assert judge(ExceptionGroup("nested", [ExceptionGroup("in", [answered(404)])])) == PERMANENT


def test_a_group_waits_for_the_last_that_is_to_come_back() -> None:
    group = ExceptionGroup("busy", [answered(429, retry_after="30"), answered(503, retry_after="60"), answered(404)])
    assert judge(group) == LATER
    assert judge(ExceptionGroup("busy", [Retry(after=90), answered(503, retry_after="60")])) == Verdict(
        retry_after=timedelta(seconds=90)
    )


def test_an_error_that_cannot_be_judged_may_pass_and_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(smtplib.SMTPRecipientsRefused):
        recipients = None

        def __init__(self) -> None:
            Exception.__init__(self)

    assert judge(Broken()) == TRANSIENT
    assert "Broken cannot be judged" in caplog.text


def test_the_names_are_exported() -> None:
    import deferapp

    kinds: list[Callable[..., BaseException]] = [deferapp.Retry, deferapp.GiveUp]
    assert kinds == [Retry, GiveUp]
