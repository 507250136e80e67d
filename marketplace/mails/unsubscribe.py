"""Links that end a customer's weekly mails without a log-in.

A link carries the customer's number and a signature made with SECRET_KEY. It does not expire: a customer may come
upon an old mail. Links made with a key that has been changed go on working while it is in SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from marketplace.models import Customer

_SIGNER: Final = "marketplace.unsubscribe"


def link(customer: Customer) -> str:
    """The address of the page, below `SITE_URL`."""
    token = Signer(salt=_SIGNER).sign(str(customer.pk))
    return settings.SITE_URL + reverse("unsubscribe", args=[token])


def customer_of(token: str) -> Customer | None:
    """Whom a link is about; None if it is forged or mutilated, or the customer is no more."""
    try:
        household = int(Signer(salt=_SIGNER).unsign(token))
    except (BadSignature, ValueError):
        return None
    return Customer.objects.filter(pk=household).first()
