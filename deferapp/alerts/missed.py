"""Schedules that did not run at a moment at which they were due, told in the transaction that decides it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deferapp.alerts import life
from deferapp.models import Alert, AlertKind, ledger


def record(function: str, moments: Sequence[datetime]) -> None:
    """The schedule of the function was not fired at these moments, in their order."""
    if not moments:
        return
    text = ngettext(
        "It was due at %(first)s UTC, while no worker was there to run it.",
        "It was due %(count)d times from %(first)s to %(last)s UTC, while no worker was there to run it.",
        len(moments),
    )
    values = {"count": len(moments), "first": _minute(moments[0]), "last": _minute(moments[-1])}
    policy = _("Whether what was missed is made up for is for its catch-up to say.")
    life.count_up(
        AlertKind.SCHEDULE_MISSED,
        f"{text % values} {policy}",
        subject=function,
        count=len(moments),
        last_at=moments[-1],
        details={"function": function, "missed": [_minute(moments[0]), _minute(moments[-1])]},
    )


def ran(functions: Collection[str]) -> None:
    """The schedules of these functions have fired and missed nothing: they work again. One query if none is open."""
    rows = Alert.objects.using(ledger()).filter(
        open_key__in=[life.key_of(AlertKind.SCHEDULE_MISSED, each) for each in functions]
    )
    for alert in rows:
        life.close(alert)


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
