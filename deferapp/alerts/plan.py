"""Carrying out what `decide` decides: closing alerts that are over, and making the deliveries of messages.

An alert is looked at in one transaction, which begins with taking its `look_at` away from everybody else. So of two
housekeepers one makes a message, and of one that is killed either all is written or nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import InterfaceError, InternalError, OperationalError, transaction
from django.db.models import QuerySet

from deferapp.alerts import channels, details, life
from deferapp.alerts.decide import DIGEST_WINDOW, MOST_IN_A_MINUTE, Decision, Incident, Told, decide
from deferapp.clock import now
from deferapp.models import Alert, Delivery, DeliveryKind, ledger

logger = logging.getLogger("deferapp.alerts")

AGAIN_AFTER: Final = timedelta(minutes=10)
"""When an alert is looked at again that could not be."""
MOST_AT_ONCE: Final = 200
"""Alerts that are looked at in one round."""


def look(moment: datetime | None = None) -> int:
    """Look at all alerts that it is time for. Returns at how many; one query if at none."""
    moment = moment or now()
    due = _alerts().filter(look_at__lte=moment).order_by("look_at", "id")
    found = list(due.only("look_at")[:MOST_AT_ONCE])
    names = _names() if found else ()
    return sum(_try_to_look(alert, names, moment) for alert in found)


def _try_to_look(found: Alert, names: Sequence[str], moment: datetime) -> bool:
    """One that nothing can be said about must not keep others from being told."""
    try:
        return _look(found, names, moment)
    except (OperationalError, InterfaceError, InternalError):
        raise
    except Exception:
        logger.exception("What is to be told of %s cannot be said; it is tried again later", found.pk)
        _alerts().filter(pk=found.pk, look_at=found.look_at).update(look_at=moment + AGAIN_AFTER)
        return False


def _look(found: Alert, names: Sequence[str], moment: datetime) -> bool:
    """False if somebody else has looked since."""
    with transaction.atomic(using=ledger()):
        if not _alerts().filter(pk=found.pk, look_at=found.look_at).update(look_at=None):
            return False
        alert = _alerts().get(pk=found.pk)
        told = [_told(each) for each in alert.deliveries.using(ledger()).all()]
        decision = decide(_incident(alert), told, names, moment)
        if decision.closes:
            life.close(alert)
            decision = decide(_incident(alert), told, names, moment)
        _carry_out(alert, decision, moment)
    return True


def _carry_out(alert: Alert, decision: Decision, moment: datetime) -> None:
    values = {"details": details.gathered(alert)} if decision.tell else {}
    _alerts().filter(pk=alert.pk).update(look_at=decision.look_at, **values)
    deliveries = [_delivery(alert, channel, kind, moment) for channel, kind in decision.tell]
    Delivery.objects.using(ledger()).bulk_create(deliveries)


def _delivery(alert: Alert, channel: str, kind: DeliveryKind, moment: datetime) -> Delivery:
    digest_at = _digest_at(channel, moment)
    return Delivery(
        alert=alert,
        channel=channel,
        kind=kind if digest_at is None else DeliveryKind.DIGEST,
        count=alert.count,
        created_at=moment,
        due_at=digest_at or moment,
    )


def _digest_at(channel: str, moment: datetime) -> datetime | None:
    """When a message has to wait for others, since the channel has had so many: the moment at which they go as one."""
    lately = Delivery.objects.using(ledger()).filter(channel=channel, created_at__gt=moment - DIGEST_WINDOW)
    moments = list(lately.exclude(kind=DeliveryKind.DIGEST).order_by("created_at").values_list("created_at", flat=True))
    return moments[0] + DIGEST_WINDOW if len(moments) >= MOST_IN_A_MINUTE else None


def _names() -> Sequence[str]:
    try:
        return [channel.name for channel in channels.configured()]
    except ValueError as error:
        logger.error('Nobody is told of alerts: in DEFER["ALERTS"], %s', error)
        return ()


def _alerts() -> QuerySet[Alert]:
    return Alert.objects.using(ledger())


def _incident(alert: Alert) -> Incident:
    return Incident(
        kind=alert.kind,
        count=alert.count,
        opened_at=alert.opened_at,
        last_at=alert.last_at,
        closed_at=alert.closed_at,
    )


def _told(delivery: Delivery) -> Told:
    return Told(channel=delivery.channel, kind=delivery.kind, count=delivery.count, created_at=delivery.created_at)
