"""What mail providers report to the webhooks, as Postmark and Mailgun write it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64encode
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from deferapp.models import Alert, AlertKind
from marketplace.models import Customer

POSTMARK = "/anymail/postmark/tracking/"
MAILGUN = "/anymail/mailgun/tracking/"
SIGNING_KEY = "a-key-of-mailgun"
LOGIN = "hook:secret"


@pytest.fixture(autouse=True)
def anymail(settings: LazySettings) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": LOGIN, "MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING_KEY}


def report_of_postmark(client: Client, login: str = LOGIN, **changes: Any) -> int:
    report = {
        "RecordType": "Bounce",
        "ID": 901542550,
        "Type": "HardBounce",
        "TypeCode": 1,
        "MessageID": "2706ee8a-737c-4285-b032-ccd317af53ed",
        "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
        "Email": "ada@example.com",
        "BouncedAt": "2025-02-10T08:01:12.6534025Z",
        "Inactive": True,
        "CanActivate": True,
        **changes,
    }
    authorization = "Basic " + b64encode(login.encode()).decode()
    response = client.post(
        POSTMARK, json.dumps(report), content_type="application/json", headers={"authorization": authorization}
    )
    return response.status_code


def report_of_mailgun(client: Client, event: dict[str, Any], key: str = SIGNING_KEY) -> int:
    stamp, token = str(int(time.time())), "b" * 50
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    data = {
        "signature": {"timestamp": stamp, "token": token, "signature": signature},
        "event-data": {"id": "ase7i2zsRYeDXztHGENqRA", "timestamp": float(stamp), "tags": [], **event},
    }
    authorization = "Basic " + b64encode(LOGIN.encode()).decode()
    response = client.post(
        MAILGUN, json.dumps(data), content_type="application/json", headers={"authorization": authorization}
    )
    return response.status_code


def test_a_bounce_ends_the_opt_in_and_says_why(client: Client, customer: Customer) -> None:
    assert report_of_postmark(client) == 200
    customer.refresh_from_db()
    assert not customer.weekly_product_recommendations
    assert customer.opt_in_ended_because == (
        "Postmark: bounced (smtp;550 5.1.1 The email account that you tried to reach does not exist.)"
    )


def test_a_complaint_ends_the_opt_in(client: Client, customer: Customer) -> None:
    assert report_of_mailgun(client, {"event": "complained", "recipient": "ada@example.com"}) == 200
    customer.refresh_from_db()
    assert not customer.weekly_product_recommendations
    assert customer.opt_in_ended_because.startswith("Mailgun: complained")


def test_an_unsubscription_at_the_provider_ends_the_opt_in(client: Client, customer: Customer) -> None:
    assert report_of_mailgun(client, {"event": "unsubscribed", "recipient": "ada@example.com"}) == 200
    customer.refresh_from_db()
    assert not customer.weekly_product_recommendations


def test_a_bounce_that_will_pass_changes_nothing(client: Client, customer: Customer) -> None:
    assert report_of_postmark(client, Type="Transient", TypeCode=2) == 200
    customer.refresh_from_db()
    assert customer.weekly_product_recommendations


def test_a_delivery_changes_nothing(client: Client, customer: Customer) -> None:
    delivered = {"RecordType": "Delivery", "Recipient": "ada@example.com", "DeliveredAt": "2025-02-10T08:01:12Z"}
    assert report_of_postmark(client, **delivered) == 200
    customer.refresh_from_db()
    assert customer.weekly_product_recommendations


def test_the_address_is_recognised_in_any_case(client: Client, customer: Customer) -> None:
    report_of_postmark(client, Email="Ada@Example.COM")
    customer.refresh_from_db()
    assert not customer.weekly_product_recommendations


def test_a_report_about_nobody_is_accepted_and_changes_nothing(client: Client, customer: Customer) -> None:
    assert report_of_postmark(client, Email="nobody@example.com") == 200
    customer.refresh_from_db()
    assert customer.weekly_product_recommendations


def test_a_second_report_keeps_the_first_reason(client: Client, customer: Customer) -> None:
    report_of_mailgun(client, {"event": "complained", "recipient": "ada@example.com"})
    report_of_postmark(client)
    customer.refresh_from_db()
    assert customer.opt_in_ended_because.startswith("Mailgun: complained")


def test_a_very_long_reason_is_cut(client: Client, customer: Customer) -> None:
    report_of_postmark(client, Details="550 " + "x" * 5000)
    customer.refresh_from_db()
    assert len(customer.opt_in_ended_because) == 300


def test_a_report_without_the_shared_secret_is_refused(client: Client, customer: Customer) -> None:
    assert report_of_postmark(client, login="hook:guessed") == 400
    customer.refresh_from_db()
    assert customer.weekly_product_recommendations


def test_a_report_with_a_forged_signature_is_refused(client: Client, customer: Customer) -> None:
    event = {"event": "complained", "recipient": "ada@example.com"}
    assert report_of_mailgun(client, event, key="guessed") == 400
    customer.refresh_from_db()
    assert customer.weekly_product_recommendations


@pytest.mark.parametrize("secret", [{}, {"WEBHOOK_SECRET": ""}, {"WEBHOOK_SECRET": " "}])
def test_without_a_shared_secret_there_is_no_address_to_report_to(
    client: Client, customer: Customer, settings: LazySettings, secret: dict[str, str]
) -> None:
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING_KEY, **secret}
    for login in (LOGIN, "", ":", secret.get("WEBHOOK_SECRET", "")):
        assert report_of_postmark(client, login=login) == 404
    assert report_of_mailgun(client, {"event": "complained", "recipient": "ada@example.com"}) == 404
    customer.refresh_from_db()
    assert customer.weekly_product_recommendations


def test_nothing_else_is_there_and_nothing_is_read(client: Client) -> None:
    assert client.get(POSTMARK).status_code == 405
    assert client.post("/anymail/nobody/tracking/").status_code == 404
    assert client.post("/anymail/").status_code == 404


def test_a_provider_has_no_csrf_token(customer: Customer) -> None:
    assert report_of_postmark(Client(enforce_csrf_checks=True)) == 200


def test_a_bounce_and_a_complaint_are_told_in_one_alert_that_names_households_and_reasons(
    client: Client, customer: Customer
) -> None:
    Customer.objects.create(household=8, email="bea@example.com", weekly_product_recommendations=True)
    report_of_postmark(client)
    report_of_mailgun(client, {"event": "complained", "recipient": "bea@example.com"})
    alert = Alert.objects.get()
    assert (alert.kind, alert.count) == (AlertKind.UNDELIVERED, 2)
    assert [each["who"] for each in alert.details["named"]] == ["household 7", "household 8"]
    assert [each["why"].partition(" (")[0] for each in alert.details["named"]] == [
        "Postmark: bounced",
        "Mailgun: complained",
    ]


def test_a_report_that_comes_twice_is_told_once(client: Client, customer: Customer) -> None:
    report_of_postmark(client)
    report_of_postmark(client)
    assert Alert.objects.get().count == 1


def test_who_unsubscribes_is_no_alert(client: Client, customer: Customer) -> None:
    report_of_mailgun(client, {"event": "unsubscribed", "recipient": "ada@example.com"})
    assert not Alert.objects.exists()
