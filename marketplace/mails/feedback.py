"""What mail providers report through anymail's webhooks: bounces and complaints end the opt-in, and are told to us.

Reports are matched by address, because providers replace the Message-ID of what they send.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from anymail.signals import AnymailTrackingEvent, EventType, tracking
from django.db import transaction

from deferapp.alerts import undelivered
from marketplace.models import Customer

logger = logging.getLogger(__name__)

ENDING: Final = frozenset({EventType.BOUNCED, EventType.REJECTED, EventType.COMPLAINED, EventType.UNSUBSCRIBED})
"""Reports after which another mail would be unwanted or in vain. A delay ("deferred") is none of them."""


TOLD: Final = ENDING - {EventType.UNSUBSCRIBED}
"""Reports that somebody of ours should know. Who unsubscribes is served as wished."""


def connect() -> None:
    """Listen, from the start of the process."""
    tracking.connect(end_opt_in, dispatch_uid="marketplace.feedback")


def end_opt_in(event: AnymailTrackingEvent, esp_name: str, **_kwargs: Any) -> None:
    """End the opt-in of the customer whom a report is about. One about nobody we know is ignored."""
    if event.event_type not in ENDING or not event.recipient:
        return
    because = _because(event, esp_name)
    for customer in Customer.objects.filter(email__iexact=event.recipient):
        if _ended(customer, because, is_told=event.event_type in TOLD):
            logger.warning("The weekly mails of %s have ended: %s", customer, because)


def _ended(customer: Customer, because: str, *, is_told: bool) -> bool:
    """Whether the opt-in was ended by this report. Providers repeat reports: the first alone is told."""
    with transaction.atomic():
        has_ended = customer.end_opt_in(because)
        if has_ended and is_told:
            undelivered(f"household {customer.pk}", because)
    return has_ended


def _because(event: AnymailTrackingEvent, esp_name: str) -> str:
    """Such as "Mailgun: bounced (550 5.1.1 The email account does not exist)"."""
    detail = event.mta_response or event.description or event.reject_reason
    report = f"{esp_name}: {event.event_type}"
    return f"{report} ({detail})" if detail else report
