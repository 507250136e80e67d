"""The one place where alerts are opened, counted up and closed: by whichever process is first, however many try.

That one says so in the log and by a signal. Honest limit: if it is killed in between, the row is there, and neither log
nor signal told of it; the channels of `DEFER["ALERTS"]` tell all the same, since they follow the rows.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Greatest

from deferapp import conf, signals
from deferapp.alerts.decide import UPDATE_EVERY
from deferapp.clock import now
from deferapp.executions import tell
from deferapp.fields import MomentField
from deferapp.models import Alert, AlertKind, ledger

logger = logging.getLogger("deferapp.alerts")

MOST_NAMED: Final = 5
"""Those whom it happened to that an alert names; its count tells of all."""
_SUBJECT_LENGTH: Final = 200
_KEY_LENGTH: Final = 250


def open_alert(
    kind: AlertKind,
    text: str,
    *,
    subject: str = "",
    key: str | None = None,
    count: int = 1,
    last_at: datetime | None = None,
    details: Mapping[str, Any] | None = None,
) -> bool:
    """Open an alert unless one of this kind and key is open. `text` is a sentence or two for a person.

    `key` is the subject if nothing else is said. Returns whether it was opened by this call.
    """
    moment = now()
    values = {
        "open_key": key_of(kind, subject if key is None else key),
        "kind": kind,
        "subject": subject[:_SUBJECT_LENGTH],
        "text": text,
        "count": count,
        "last_at": last_at or moment,
        "opened_at": moment,
        "look_at": moment,
        "details": dict(details or {}),
    }
    alert, is_new = _open(kind, subject if key is None else key).get_or_create(defaults=values)
    if is_new:
        logger.error("%s. %s", alert, alert.text)
        tell.after_commit(signals.alerted, Alert, lambda: [{"alert": alert}])
    return is_new


def count_up(
    kind: AlertKind,
    text: str,
    *,
    subject: str = "",
    key: str | None = None,
    count: int = 1,
    last_at: datetime | None = None,
    details: Mapping[str, Any] | None = None,
    named: Sequence[Any] = (),
) -> None:
    """It has happened `count` times more: open the alert, or count up the one that is open.

    `named` are those whom it happened to, as JSON: the first `MOST_NAMED` are kept in the details.
    """
    key, moment = subject if key is None else key, last_at or now()
    with transaction.atomic(using=ledger(), savepoint=False):
        details = {**(details or {}), "named": list(named[:MOST_NAMED])}
        if _counted_up(kind, key, count, moment, named):
            return
        if open_alert(kind, text, subject=subject, key=key, count=count, last_at=moment, details=details):
            return
        _counted_up(kind, key, count, moment, named)  # Somebody else has opened it meanwhile.


def close_alert(kind: AlertKind, *, subject: str = "", key: str | None = None) -> bool:
    """What the alert of this kind and key is about works again. Returns whether this call closed one."""
    alert = _open(kind, subject if key is None else key).first()
    return alert is not None and close(alert)


def close(alert: Alert) -> bool:
    """Close an alert that was read as open. Returns whether this call closed it."""
    alert.closed_at = alert.look_at = now()
    row = Alert.objects.using(ledger()).filter(pk=alert.pk, open_key=alert.open_key, closed_at=None)
    if not row.update(open_key=None, closed_at=alert.closed_at, look_at=alert.look_at):
        return False
    alert.open_key = None
    logger.info("Works again: %s, since %s", alert, alert.closed_at - alert.opened_at)
    tell.after_commit(signals.recovered, Alert, lambda: [{"alert": alert}])
    return True


def is_open(kind: AlertKind, *, subject: str = "", key: str | None = None) -> bool:
    return _open(kind, subject if key is None else key).exists()


def _counted_up(kind: AlertKind, key: str, count: int, last_at: datetime, named: Sequence[Any]) -> bool:
    """Looked at at once, unless that is to be done soon: under a storm not with each wave of it."""
    moment = now()
    is_late = Q(look_at=None) | Q(look_at__gt=moment + UPDATE_EVERY)
    soon = Case(When(is_late, then=Value(moment, output_field=MomentField())), default=F("look_at"))
    latest = Greatest(F("last_at"), Value(last_at, output_field=MomentField()), output_field=MomentField())
    if not _open(kind, key).update(count=F("count") + count, last_at=latest, look_at=soon):
        return False
    _name(_open(kind, key), named)
    return True


def _name(row: QuerySet[Alert], named: Sequence[Any]) -> None:
    """As long as there is room. The row is locked, since it has been counted up."""
    details = row.values_list("details", flat=True).get() if named else {}
    known = details.get("named", [])
    if named and len(known) < MOST_NAMED:
        row.update(details={**details, "named": [*known, *named][:MOST_NAMED]})


def _open(kind: AlertKind, key: str) -> QuerySet[Alert]:
    return Alert.objects.using(ledger()).filter(open_key=key_of(kind, key))


def key_of(kind: AlertKind, key: str) -> str:
    """Of one environment: several may share a database."""
    environment = conf.current().ENVIRONMENT
    text = f"{kind}:{environment}/{key}" if environment else f"{kind}:{key}"
    if len(text) <= _KEY_LENGTH:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return f"{text[: _KEY_LENGTH - len(digest) - 1]}~{digest}"
