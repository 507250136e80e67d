"""What mail providers report through anymail's webhooks: bounces and complaints end the opt-in.

Reports are matched by address, because providers replace the Message-ID of what they send.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from anymail.signals import AnymailTrackingEvent, EventType, tracking

from marketplace.models import Customer

logger = logging.getLogger(__name__)

ENDING: Final = frozenset({EventType.BOUNCED, EventType.REJECTED, EventType.COMPLAINED, EventType.UNSUBSCRIBED})
"""Reports after which another mail would be unwanted or in vain. A delay ("deferred") is none of them."""


def connect() -> None:
    """Listen, from the start of the process."""
    tracking.connect(end_opt_in, dispatch_uid="marketplace.feedback")


def end_opt_in(event: AnymailTrackingEvent, esp_name: str, **_kwargs: Any) -> None:
    """End the opt-in of the customer whom a report is about. One about nobody we know is ignored."""
    if event.event_type not in ENDING or not event.recipient:
        return
    because = _because(event, esp_name)
    for customer in Customer.objects.filter(email__iexact=event.recipient):
        if customer.end_opt_in(because):
            logger.warning("The weekly mails of %s have ended: %s", customer, because)


def _because(event: AnymailTrackingEvent, esp_name: str) -> str:
    """Such as "Mailgun: bounced (550 5.1.1 The email account does not exist)"."""
    detail = event.mta_response or event.description or event.reject_reason
    report = f"{esp_name}: {event.event_type}"
    return f"{report} ({detail})" if detail else report
