"""Mail that came back: for a project's receiver of what its mail provider reports."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from deferapp.alerts import life
from deferapp.models.alert import AlertKind
from deferapp.redact import redact_text
from deferapp.visible import visible

LONGEST: Final = 300
"""Characters of a name and of a reason."""


def undelivered(recipient: object, reason: str, *, subject: str = "") -> None:
    """An e-mail could not be delivered, or was complained about: tell it, in one alert for all of a `subject`.

    `recipient` is how your people call whom it was for; a number or a name rather than an address, since it is written
    into messages. `reason` is what the provider says. To be called once a report, also inside the transaction that
    notes it: what is rolled back is not told.
    """
    who, why = _shown(str(recipient)), _shown(reason.strip().partition("\n")[0])
    text = _("Mail could not be delivered. The first report: %(reason)s") % {"reason": why}
    life.count_up(AlertKind.UNDELIVERED, text, subject=subject, named=[{"who": who, "why": why}])


def _shown(text: str) -> str:
    """Redacted, and without what no database can hold."""
    return visible(redact_text(text))[:LONGEST]
