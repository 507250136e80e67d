"""What is thought of the errors of mail servers and providers, raised by the real libraries."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from anymail.exceptions import AnymailAPIError, AnymailInvalidAddress, AnymailRecipientsRefused
from django.core.mail import EmailMessage, get_connection

from deferapp.executions.endings.errors import Verdict, judge
from deferapp.executions.endings.errors.verdict import PERMANENT, TRANSIENT
from tests.unit.retry import servers
from tests.unit.retry.servers import Answer, Refusals


def error_of(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def send(port: int, *recipients: str) -> None:
    """Send a message as Django does."""
    backend = "django.core.mail.backends.smtp.EmailBackend"
    connection = get_connection(backend, host=servers.HOST, port=port, timeout=0.3)
    EmailMessage("Offers", "Milk", "shop@example.com", recipients or ("ann@example.com",), connection=connection).send()


@pytest.fixture
def refusals() -> Refusals:
    return Refusals()


@pytest.fixture
def smtp(refusals: Refusals) -> Iterator[int]:
    with servers.smtp_server(refusals) as port:
        yield port


def test_a_mail_server_that_refuses_nothing_raises_nothing(smtp: int) -> None:
    send(smtp)


@pytest.mark.parametrize(
    ("refusal", "verdict"),
    [
        ("550 5.1.1 No such user", PERMANENT),
        ("553 5.1.3 Bad address", PERMANENT),
        ("450 4.2.1 Mailbox busy", TRANSIENT),
        ("452 4.2.2 Mailbox full", TRANSIENT),
        ("530 5.7.0 Authentication required", TRANSIENT),
    ],
)
def test_a_refused_recipient_ends_the_execution_unless_it_may_be_taken_later(
    smtp: int, refusals: Refusals, refusal: str, verdict: Verdict
) -> None:
    refusals.recipients["ann"] = refusal
    error = error_of(lambda: send(smtp))
    assert isinstance(error, smtplib.SMTPRecipientsRefused)
    assert judge(error) == verdict


@pytest.mark.parametrize(("other", "verdict"), [("450 Busy", TRANSIENT), ("551 Moved away", PERMANENT)])
def test_several_recipients_are_given_up_when_each_is(
    smtp: int, refusals: Refusals, other: str, verdict: Verdict
) -> None:
    refusals.recipients = {"ann": "550 No such user", "bob": other}
    error = error_of(lambda: send(smtp, "ann@example.com", "bob@example.com"))
    assert isinstance(error, smtplib.SMTPRecipientsRefused)
    assert len(error.recipients) == 2
    assert judge(error) == verdict


@pytest.mark.parametrize(
    ("refusal", "verdict"),
    [("553 No such sender", PERMANENT), ("451 Try later", TRANSIENT), ("530 Log in first", TRANSIENT)],
)
def test_a_refused_sender_ends_the_execution_unless_it_is_about_the_login(
    smtp: int, refusals: Refusals, refusal: str, verdict: Verdict
) -> None:
    refusals.sender = refusal
    error = error_of(lambda: send(smtp))
    assert isinstance(error, smtplib.SMTPSenderRefused)
    assert judge(error) == verdict


@pytest.mark.parametrize(("refusal", "verdict"), [("554 Spam", PERMANENT), ("451 Try later", TRANSIENT)])
def test_refused_content_ends_the_execution_unless_it_may_be_taken_later(
    smtp: int, refusals: Refusals, refusal: str, verdict: Verdict
) -> None:
    refusals.content = refusal
    error = error_of(lambda: send(smtp))
    assert isinstance(error, smtplib.SMTPDataError)
    assert judge(error) == verdict


@pytest.mark.parametrize("code", [421, 451])
def test_a_server_that_shuts_down_during_the_conversation_is_tried_again(
    smtp: int, refusals: Refusals, code: int
) -> None:
    refusals.recipients["ann"] = f"{code} Service not available, closing"
    assert judge(error_of(lambda: send(smtp))) == TRANSIENT


@pytest.mark.parametrize("greeting", [b"421 Shutting down\r\n", b"554 We do not like your address\r\n"])
def test_a_server_that_does_not_let_us_in_is_tried_again(greeting: bytes) -> None:
    with servers.brusque_server(greeting) as port:
        error = error_of(lambda: send(port))
    assert isinstance(error, smtplib.SMTPConnectError)
    assert judge(error) == TRANSIENT


def test_a_server_that_hangs_up_is_tried_again() -> None:
    with servers.brusque_server() as port:
        error = error_of(lambda: send(port))
    assert isinstance(error, (smtplib.SMTPServerDisconnected, ConnectionError))
    assert judge(error) == TRANSIENT


def test_a_server_that_says_nothing_is_tried_again() -> None:
    with servers.silent_server() as port:
        error = error_of(lambda: send(port))
    assert isinstance(error, (smtplib.SMTPServerDisconnected, TimeoutError))
    assert judge(error) == TRANSIENT


def test_a_server_that_is_down_is_tried_again() -> None:
    error = error_of(lambda: send(servers.closed_port()))
    assert isinstance(error, ConnectionRefusedError)
    assert judge(error) == TRANSIENT


@pytest.mark.parametrize("code", [454, 535])
def test_a_login_that_is_refused_is_tried_again_until_somebody_has_seen_to_it(code: int) -> None:
    assert judge(smtplib.SMTPAuthenticationError(code, b"no")) == TRANSIENT


@pytest.fixture
def answer() -> Answer:
    return Answer(headers={"Content-Type": "application/json"}, body="{}")


@pytest.fixture
def provider(answer: Answer) -> Iterator[Callable[[], Any]]:
    """Send a message by django-anymail through a provider that gives the answer."""
    with servers.http_server(answer) as url:
        yield lambda: send_by_provider(url)


def send_by_provider(url: str, recipient: str = "ann@example.com") -> None:
    backend = "anymail.backends.postmark.EmailBackend"
    with get_connection(backend, server_token="secret", api_url=url) as connection:
        EmailMessage("Offers", "Milk", "shop@example.com", [recipient], connection=connection).send()


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (400, PERMANENT),
        (401, PERMANENT),
        (403, PERMANENT),
        (404, PERMANENT),
        (413, PERMANENT),
        (408, TRANSIENT),
        (425, TRANSIENT),
        (429, TRANSIENT),
        (500, TRANSIENT),
        (502, TRANSIENT),
        (503, TRANSIENT),
        (504, TRANSIENT),
    ],
)
def test_a_provider_that_will_not_have_the_message_ends_the_execution(
    provider: Callable[[], Any], answer: Answer, status: int, verdict: Verdict
) -> None:
    answer.status = status
    error = error_of(provider)
    assert isinstance(error, AnymailAPIError)
    assert judge(error) == verdict


def test_a_provider_that_says_when_to_come_back_is_believed(provider: Callable[[], Any], answer: Answer) -> None:
    answer.status, answer.headers = 429, {"Retry-After": "120"}
    verdict = judge(error_of(provider))
    assert verdict == Verdict(retry_after=timedelta(minutes=2), is_postponed=True)


def test_recipients_that_a_provider_refuses_end_the_execution(provider: Callable[[], Any], answer: Answer) -> None:
    answer.status = 422
    answer.body = json.dumps(
        {
            "ErrorCode": 406,
            "Message": "Found inactive addresses: ann@example.com. Inactive recipients are ones that have bounced.",
        }
    )
    error = error_of(provider)
    assert isinstance(error, AnymailRecipientsRefused)
    assert judge(error) == PERMANENT


def test_an_address_that_is_none_ends_the_execution() -> None:
    error = error_of(lambda: send_by_provider("http://127.0.0.1/", "ann@@example.com"))
    assert isinstance(error, AnymailInvalidAddress)
    assert judge(error) == PERMANENT


def test_a_provider_that_cannot_be_reached_is_tried_again() -> None:
    error = error_of(lambda: send_by_provider(f"http://{servers.HOST}:{servers.closed_port()}/"))
    assert isinstance(error, AnymailAPIError)
    assert judge(error) == TRANSIENT


def test_a_provider_that_answers_nonsense_is_tried_again(provider: Callable[[], Any], answer: Answer) -> None:
    answer.body = "<html>"
    error = error_of(provider)
    assert isinstance(error, AnymailAPIError)
    assert judge(error) == TRANSIENT
