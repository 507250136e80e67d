"""The background functions: one mail a customer and week, whoever tries how often."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from anymail.exceptions import AnymailRecipientsRefused
from asgiref.sync import async_to_sync
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from deferapp.executions.current import CurrentExecution, running
from deferapp.functions import registry
from deferapp.models import Execution
from deferapp.testing import assert_enqueued, assert_not_enqueued, run_due
from marketplace.defer.compute_product_recommendation import compute_product_recommendation
from marketplace.defer.train_recommender import train_recommender
from marketplace.defer.weekly_product_recommendations import weekly_product_recommendations
from marketplace.mails import delivery
from marketplace.mails.refusals import InvalidAddress
from marketplace.models import Customer, WeeklyMail
from marketplace.recommender import NotTrained
from marketplace.recommender.storage import load

Attempt = Callable[..., dict[str, str]]
HOUSEHOLD = 1
FOR_GOOD = smtplib.SMTPRecipientsRefused({"household-1@example.com": (550, b"5.1.1 no such user")})
FOR_NOW = smtplib.SMTPRecipientsRefused({"household-1@example.com": (450, b"4.2.0 greylisted")})


@pytest.fixture
def attempt(trained: None, monday: datetime) -> Attempt:
    """Run an attempt of the function, as the execution that is given or a new one, enqueued at that time."""

    def attempt(execution: UUID | None = None, *, enqueued: datetime = monday, number: int = 1) -> dict[str, str]:
        current = CurrentExecution(
            id=execution or uuid4(),
            function=compute_product_recommendation.name,
            attempt=number,
            parent_id=None,
            created_at=enqueued,
        )
        with running(current):
            return async_to_sync(compute_product_recommendation.func)(Customer.objects.get(pk=HOUSEHOLD))

    return attempt


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Errors that the next sends raise, one each; when there are none, mails go out."""
    errors: list[Exception] = []
    send = EmailMultiAlternatives.send

    def send_or_raise(message: EmailMultiAlternatives, *args: Any) -> int:
        if errors:
            raise errors.pop(0)
        return send(message, *args)

    monkeypatch.setattr(EmailMultiAlternatives, "send", send_or_raise)
    return errors


def household() -> Customer:
    return Customer.objects.get(pk=HOUSEHOLD)


def the_mail() -> WeeklyMail:
    return WeeklyMail.objects.get()


def test_a_customer_is_mailed_and_the_mail_is_noted(attempt: Attempt) -> None:
    assert attempt() == {"week": "2025-W07", "sent_to": "household-1@example.com"}
    (sent,) = mail.outbox
    assert sent.to == ["household-1@example.com"]
    noted = the_mail()
    assert (noted.week, noted.held_by) == ("2025-W07", None)
    assert noted.sent_at is not None
    assert 1 <= len(noted.products) <= 10


def test_running_the_week_again_sends_nothing_twice(attempt: Attempt) -> None:
    attempt()
    assert attempt() == {"week": "2025-W07", "not_sent": "sent already"}
    assert len(mail.outbox) == 1


def test_the_next_week_has_a_mail_of_its_own(attempt: Attempt, monday: datetime) -> None:
    attempt()
    attempt(enqueued=monday + timedelta(days=7))
    assert [mail.week for mail in WeeklyMail.objects.order_by("week")] == ["2025-W07", "2025-W08"]
    assert len({sent.extra_headers["Message-ID"] for sent in mail.outbox}) == 2


def test_a_retry_on_another_day_keeps_the_week_of_the_enqueue(attempt: Attempt, provider: list[Exception]) -> None:
    execution = uuid4()
    provider.append(TimeoutError("the provider does not answer"))
    with pytest.raises(TimeoutError):
        attempt(execution)
    assert attempt(execution, number=2)["week"] == "2025-W07"
    assert len(mail.outbox) == 1


def test_the_week_is_that_of_utc(attempt: Attempt) -> None:
    late_on_sunday = datetime.fromisoformat("2025-02-16T23:30:00-02:00")
    assert attempt(enqueued=late_on_sunday)["week"] == "2025-W08"


def test_after_an_error_another_execution_may_send(attempt: Attempt, provider: list[Exception]) -> None:
    provider.append(ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        attempt()
    assert the_mail().sent_at is None
    assert "sent_to" in attempt()
    assert len(mail.outbox) == 1


def test_two_executions_at_once_send_one_mail(attempt: Attempt, monday: datetime) -> None:
    other = uuid4()
    delivery.hold(household(), "2025-W07", other)
    assert attempt() == {"week": "2025-W07", "not_sent": f"being sent by execution {other}"}
    assert attempt(other)["sent_to"]
    assert len(mail.outbox) == 1


def test_an_execution_that_died_while_it_sent_goes_on_in_its_next_attempt(attempt: Attempt) -> None:
    execution = uuid4()
    delivery.hold(household(), "2025-W07", execution)
    assert "sent_to" in attempt(execution, number=2)


def test_a_hold_that_nobody_ended_is_over_after_a_while(attempt: Attempt) -> None:
    held = delivery.hold(household(), "2025-W07", uuid4())
    WeeklyMail.objects.filter(pk=held.pk).update(held_at=held.held_at - delivery.HOLD_LIMIT)
    assert "sent_to" in attempt()


def test_who_opted_out_meanwhile_gets_nothing(attempt: Attempt) -> None:
    household().end_opt_in("unsubscribed by the link in a mail")
    not_sent = "the opt-in has ended: unsubscribed by the link in a mail"
    assert attempt() == {"week": "2025-W07", "not_sent": not_sent}
    assert not mail.outbox


def test_who_was_deleted_in_the_middle_gets_nothing(trained: None) -> None:
    gone = household()
    Customer.objects.filter(pk=gone.pk).delete()
    with pytest.raises(delivery.NothingToSend, match="has been deleted"):
        delivery.hold(gone, "2025-W07", uuid4())


@pytest.mark.parametrize("refusal", [FOR_GOOD, AnymailRecipientsRefused()], ids=["smtp", "provider"])
def test_an_address_that_is_refused_for_good_is_not_written_to_again(
    attempt: Attempt, provider: list[Exception], refusal: Exception
) -> None:
    provider.append(refusal)
    with pytest.raises(type(refusal)):
        attempt()
    customer = household()
    assert not customer.weekly_product_recommendations
    assert customer.opt_in_ended_because.startswith("the address was refused")


@pytest.mark.parametrize("error", [FOR_NOW, smtplib.SMTPDataError(554, b"spam"), smtplib.SMTPServerDisconnected()])
def test_an_error_that_is_not_about_the_address_ends_no_opt_in(
    attempt: Attempt, provider: list[Exception], error: Exception
) -> None:
    provider.append(error)
    with pytest.raises(type(error)):
        attempt()
    assert household().weekly_product_recommendations


def test_what_is_no_address_ends_the_opt_in_without_another_attempt(attempt: Attempt) -> None:
    Customer.objects.filter(pk=HOUSEHOLD).update(email="nobody")
    with pytest.raises(InvalidAddress):
        attempt()
    assert household().opt_in_ended_because == "the address was refused: 'nobody' is no e-mail address"


def test_without_a_model_nothing_is_sent_and_the_mail_stays_to_be_sent(
    attempt: Attempt, settings: Any, tmp_path: Any
) -> None:
    settings.RECOMMENDER_FILE = tmp_path / "none.npz"
    with pytest.raises(NotTrained):
        attempt()
    assert the_mail().held_by is None
    assert not mail.outbox


def test_the_function_says_that_it_needs_an_execution(customer: Customer) -> None:
    with pytest.raises(RuntimeError, match="execution"):
        async_to_sync(compute_product_recommendation.func)(customer)


def test_on_mondays_each_customer_who_opted_in_is_enqueued_once(db: None, monday: datetime) -> None:
    customers = [
        Customer.objects.create(
            household=number, email=f"{number}@example.com", weekly_product_recommendations=opted_in
        )
        for number, opted_in in enumerate((False, True, False, True, True))
    ]
    run_due(monday, weekly_product_recommendations)
    for customer in customers:
        expect = assert_enqueued if customer.weekly_product_recommendations else assert_not_enqueued
        expect(compute_product_recommendation, customer)
    assert Execution.objects.function(compute_product_recommendation).count() == 3


def test_a_server_that_is_away_for_a_moment_delays_the_mail_and_sends_it_once(
    trained: None, monday: datetime, provider: list[Exception]
) -> None:
    Customer.objects.exclude(pk=HOUSEHOLD).update(weekly_product_recommendations=False)
    provider.append(smtplib.SMTPServerDisconnected("closed"))
    weekly, mailed = run_due(monday, weekly_product_recommendations, compute_product_recommendation)
    assert (mailed.parent_id, mailed.attempt, mailed.result["week"]) == (weekly.id, 2, "2025-W07")
    assert len(mail.outbox) == 1


def test_training_as_a_function_stores_a_model_and_gives_what_it_is_worth(loaded: None) -> None:
    result = train_recommender.func()
    assert result["recall_at_10"] == load().evaluation.recall_at_10 == 1.0


def test_the_mails_go_out_on_monday_mornings_after_the_training() -> None:
    frequencies = {function.name: getattr(function, "frequency", None) for function in registry.functions()}
    assert frequencies["marketplace.defer.weekly_product_recommendations"] == "0 8 * * 1"
    assert frequencies["marketplace.defer.train_recommender"] == "0 3 * * 1"
