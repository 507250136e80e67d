"""The weekly mail, and the files that stand in for sending it."""

from __future__ import annotations

import email
import email.policy
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMultiAlternatives, get_connection

from marketplace.mails.refusals import InvalidAddress
from marketplace.mails.unsubscribe import link
from marketplace.mails.weekly import compose, message_id
from marketplace.models import Customer, Product

WEEK = "2025-W07"
FILES = "marketplace.mails.files.EmailBackend"


@pytest.fixture
def products() -> list[Product]:
    return [
        Product(number=1, name="Beef & <bones>", category="Beef", size="8 oz", price=Decimal("3.50")),
        Product(number=2, name="Eggs, large", category="Eggs", is_store_brand=True),
    ]


@pytest.fixture
def message(customer: Customer, products: list[Product]) -> EmailMultiAlternatives:
    return compose(customer, WEEK, products)


def received(message: EmailMultiAlternatives) -> EmailMessage:
    """As the mail program of the recipient reads it."""
    parsed = email.message_from_bytes(message.message().as_bytes(), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def body(message: EmailMultiAlternatives, kind: str) -> str:
    part = received(message).get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_it_goes_to_the_customer_alone_and_comes_from_the_shop(message: EmailMultiAlternatives) -> None:
    mail = received(message)
    assert (mail["To"], mail["From"]) == ("ada@example.com", "Marketplace <weekly@shop.example>")
    assert mail["Cc"] is None
    assert message.recipients() == ["ada@example.com"]


def test_the_subject_names_the_first_product_in_one_line(message: EmailMultiAlternatives) -> None:
    assert received(message)["Subject"] == "Beef & <bones> and more, picked for you"


def test_mail_programs_are_told_how_to_unsubscribe_by_one_click(
    message: EmailMultiAlternatives, customer: Customer
) -> None:
    mail = received(message)
    assert mail["List-Unsubscribe"].strip() == f"<{link(customer)}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_text_names_products_sizes_and_prices(message: EmailMultiAlternatives, customer: Customer) -> None:
    text = body(message, "plain")
    assert "1. Beef & <bones>, 8 oz: about $3.50\n2. Eggs, large, store brand\n" in text
    assert f"Unsubscribe: {link(customer)}\n" in text


def test_the_html_has_a_table_of_the_products_and_escapes_them(
    message: EmailMultiAlternatives, customer: Customer
) -> None:
    html = body(message, "html")
    assert "Beef &amp; &lt;bones&gt;" in html
    assert "<bones>" not in html
    assert html.count('<th scope="col"') == 3
    assert "$3.50" in html
    assert f'href="{link(customer)}"' in html


def test_the_html_asks_for_nothing_from_elsewhere(message: EmailMultiAlternatives) -> None:
    html = body(message, "html")
    assert all(word not in html for word in ("<img", "<script", "<link", "url(", " src="))


@pytest.mark.parametrize(("name", "greeting"), [("", "Hello,"), ("Ada <3", "Hello Ada <3,")])
def test_who_has_a_name_is_greeted_by_it(customer: Customer, products: list[Product], name: str, greeting: str) -> None:
    customer.name = name
    assert body(compose(customer, WEEK, products), "plain").startswith(greeting)


def test_its_message_id_follows_from_customer_and_week(customer: Customer) -> None:
    other = Customer(household=8)
    ids = {message_id(who, week) for who in (customer, other) for week in (WEEK, "2025-W08")}
    assert len(ids) == 4
    assert message_id(customer, WEEK) == "<2025-W07.household-7@shop.example>"


@pytest.mark.parametrize("address", ["", "ada", "ada@", "ada@example.com\nBcc: all@example.com", "a b@example.com"])
def test_what_is_no_address_is_refused_before_anything_is_sent(
    customer: Customer, products: list[Product], address: str
) -> None:
    customer.email = address
    with pytest.raises(InvalidAddress, match="is no e-mail address"):
        compose(customer, WEEK, products)


def send(message: EmailMultiAlternatives) -> None:
    get_connection(FILES).send_messages([message])


def test_each_mail_becomes_a_file_that_mail_programs_open(
    message: EmailMultiAlternatives, settings: LazySettings
) -> None:
    send(message)
    (file,) = Path(settings.EMAIL_FILE_PATH).iterdir()
    assert file.name == "2025-W07.household-7.eml"
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert mail["To"] == "ada@example.com"
    assert mail.get_content_type() == "multipart/alternative"


def test_the_same_mail_sent_again_is_the_same_file(
    customer: Customer, products: list[Product], settings: LazySettings
) -> None:
    for _ in range(2):
        send(compose(customer, WEEK, products))
    assert len(list(Path(settings.EMAIL_FILE_PATH).iterdir())) == 1


def test_mails_without_a_message_id_of_their_own_do_not_replace_each_other(settings: LazySettings) -> None:
    messages = [EmailMultiAlternatives(str(number), "text", to=["ada@example.com"]) for number in range(3)]
    assert get_connection(FILES).send_messages(messages) == 3
    assert len(list(Path(settings.EMAIL_FILE_PATH).iterdir())) == 3


def test_a_message_id_cannot_lead_out_of_the_folder(settings: LazySettings) -> None:
    send(EmailMultiAlternatives("s", "b", to=["a@example.com"], headers={"Message-ID": "<../../evil/x@y>"}))
    (file,) = Path(settings.EMAIL_FILE_PATH).iterdir()
    assert file.name == ".._.._evil_x.eml"
