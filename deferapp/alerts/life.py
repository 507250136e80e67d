"""The one place where alerts are opened and closed: by whichever worker is first, however many try.

That one says so in the log and by a signal. Honest limit: if it is killed in between, the row is there and nobody was
told; whoever must not miss one reads `Alert`.
"""

from __future__ import annotations

import logging

from django.db.models import QuerySet

from deferapp import signals
from deferapp.clock import now
from deferapp.executions import tell
from deferapp.models import Alert, AlertKind, ledger

logger = logging.getLogger("deferapp.alerts")


def open_alert(kind: AlertKind, text: str, *, subject: str = "") -> bool:
    """Open an alert unless one of this kind and subject is open. `text` is a sentence or two for a person.

    Returns whether it was opened by this call.
    """
    alert, is_new = _open(kind, subject).get_or_create(
        defaults={"open_key": _key(kind, subject), "kind": kind, "subject": subject, "text": text}
    )
    if is_new:
        logger.error("%s. %s", alert, alert.text)
        tell.after_commit(signals.alerted, Alert, lambda: [{"alert": alert}])
    return is_new


def close_alert(kind: AlertKind, *, subject: str = "") -> bool:
    """What the alert of this kind and subject is about works again. Returns whether this call closed one."""
    alert = _open(kind, subject).first()
    if alert is None:
        return False
    alert.closed_at = now()
    if not _open(kind, subject).filter(pk=alert.pk).update(open_key=None, closed_at=alert.closed_at):
        return False
    alert.open_key = None
    logger.info("Works again: %s, since %s", alert, alert.closed_at - alert.opened_at)
    tell.after_commit(signals.recovered, Alert, lambda: [{"alert": alert}])
    return True


def is_open(kind: AlertKind, *, subject: str = "") -> bool:
    return _open(kind, subject).exists()


def _open(kind: AlertKind, subject: str) -> QuerySet[Alert]:
    return Alert.objects.using(ledger()).filter(open_key=_key(kind, subject))


def _key(kind: AlertKind, subject: str) -> str:
    return f"{kind}:{subject}"
