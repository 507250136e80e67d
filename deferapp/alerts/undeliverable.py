"""Mail that came back: for a project's receiver of what its mail provider reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from deferapp.alerts import life
from deferapp.models import Alert, AlertKind, ledger
from deferapp.redact import redact_text

MOST_NAMED: Final = 5
"""Recipients that a message names; the count tells of all."""
LONGEST: Final = 300


def undelivered(recipient: object, reason: str, *, subject: str = "") -> None:
    """An e-mail could not be delivered, or was complained about: tell it, in one alert for all of a `subject`.

    `recipient` is how your people call whom it was for; a number or name rather than an address, since it is written
    into messages. `reason` is what the provider says. To be called once a report, also inside the transaction that
    notes it: what is rolled back is not told.
    """
    who, why = redact_text(str(recipient))[:LONGEST], redact_text(reason.strip().partition("\n")[0])[:LONGEST]
    with transaction.atomic(using=ledger()):
        life.count_up(
            AlertKind.UNDELIVERED,
            _("Mail could not be delivered: %(reason)s") % {"reason": why},
            subject=subject,
        )
        _name(subject, {"who": who, "why": why})


def _name(subject: str, recipient: dict[str, Any]) -> None:
    """Among those that the message names, as long as there is room. The count above has locked the row."""
    alert = life.opened(AlertKind.UNDELIVERED, subject=subject)
    named: Sequence[Any] = alert.details.get("recipients", []) if alert else ()
    if alert is not None and len(named) < MOST_NAMED:
        alert.details["recipients"] = [*named, recipient]
        Alert.objects.using(ledger()).filter(pk=alert.pk).update(details=alert.details)
