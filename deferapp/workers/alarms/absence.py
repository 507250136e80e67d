"""The alert that no worker is running while work waits: who is left to tell?

Two are. A process that enqueues, such as a web server, looks once a minute in a thread of its own, and sends what is to
be sent itself. And a worker that starts after a time without any tells of it afterwards. Honest limit: as long as
nobody enqueues, nobody tells; what asks the health view from outside sees that at any time.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connections
from django.utils.translation import gettext as _

from deferapp import conf
from deferapp.alerts import life, plan, send
from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.fields import DatabaseNow
from deferapp.models import AlertKind, Execution, Housekeeping, ledger

logger = logging.getLogger("deferapp.alerts")

LIMIT: Final = timedelta(minutes=1)
"""How long nobody has kept house when it is told. A lease is 5 s, and a deployment may take a while."""
LOOK_EVERY: Final = 60.0
"""Seconds between two looks of a process that enqueues."""
CONFIRM_AFTER: Final = 5.0
"""Seconds until the second look: when the database comes back, all workers look silent for a moment."""
MOST_SENT: Final = 10
"""Messages to a channel that a process sends which is no worker."""
LOOKED_AT: Final = 1_000
"""Executions that are looked at for one that waits."""

_looked_at = float("-inf")


def since() -> datetime | None:
    """Since when nobody keeps house, if that is longer than `LIMIT`; None also if nobody ever has."""
    late = Housekeeping.objects.using(ledger()).filter(pk=1, lease_until__lt=DatabaseNow() - LIMIT)
    return late.values_list("lease_until", flat=True).first()


def tell_afterwards(absent_since: datetime | None) -> None:
    """A worker keeps house, the first after a time without any, since when it was asked for before: `since()`."""
    if absent_since is not None and _has_waited():
        life.open_alert(AlertKind.WORKERS_SILENT, _text(absent_since))


def is_over() -> None:
    """A worker keeps house. One query if nobody had missed it."""
    life.close_alert(AlertKind.WORKERS_SILENT)


def notice() -> None:
    """Something has been enqueued here: look, if it is time. Returns at once, and never raises."""
    global _looked_at
    moment = time.monotonic()
    if moment - _looked_at < LOOK_EVERY or not conf.current().ALERTS:
        return
    _looked_at = moment
    threading.Thread(target=_look, name="deferapp-absence", daemon=True).start()


def _look() -> None:
    try:
        if since() is None:
            return
        connections.close_all()
        time.sleep(CONFIRM_AFTER)
        if absent_since := since():
            life.open_alert(AlertKind.WORKERS_SILENT, _text(absent_since))
            _tell()
    except Exception:
        logger.warning("Whether workers are running could not be looked at", exc_info=True)
    finally:
        connections.close_all()


def _tell() -> None:
    """Nobody else does."""
    plan.look()
    sender = send.Sender()
    for _round in range(MOST_SENT):
        if not send.is_due():
            return
        sender.send_due()
        time.sleep(send.PACE.total_seconds())


def _has_waited() -> bool:
    """Whether there was something to do. (The first that were enqueued; what waits behind a thousand is not seen.)"""
    waiting = Execution.objects.using(ledger()).filter(state=State.CREATED).order_by("created_at")
    oldest = min(waiting.values_list("due_at", flat=True)[:LOOKED_AT], default=None)
    return oldest is not None and oldest < now() - LIMIT


def _text(absent_since: datetime) -> str:
    return _("No worker has been there since %(since)s UTC, while work waits. Start one: `celery -A … worker`.") % {
        "since": f"{absent_since.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    }
