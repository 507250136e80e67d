"""Writes the weekly mail: HTML and text, with what mail programs need for a button "unsubscribe" of their own."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parseaddr

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string

from marketplace.mails import unsubscribe
from marketplace.mails.refusals import InvalidAddress
from marketplace.models import Customer, Product


def compose(customer: Customer, week: str, products: Sequence[Product]) -> EmailMultiAlternatives:
    """The mail to a customer in a week ("2025-W07"). Raises `InvalidAddress`.

    Its Message-ID follows from customer and week, so that receivers can tell a second copy for what it is.
    `List-Unsubscribe` and `List-Unsubscribe-Post` are those of RFC 8058.
    """
    _check_address(customer.email)
    page = unsubscribe.link(customer)
    context = {"customer": customer, "products": products, "unsubscribe": page, "site": settings.SITE_URL}
    message = EmailMultiAlternatives(
        subject=render_to_string("mails/weekly_product_recommendations.subject.txt", context).strip(),
        body=render_to_string("mails/weekly_product_recommendations.txt", context),
        to=[customer.email],
        headers={
            "Message-ID": message_id(customer, week),
            "List-Unsubscribe": f"<{page}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    message.attach_alternative(render_to_string("mails/weekly_product_recommendations.html", context), "text/html")
    return message


def message_id(customer: Customer, week: str) -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{week}.household-{customer.pk}@{domain}>"


def _check_address(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError:
        raise InvalidAddress(f"{address!r} is no e-mail address") from None
