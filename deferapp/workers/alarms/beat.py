"""The alert that beat is silent, looked after by the worker that keeps house.

It is not opened on suspicion: not while messages wait in the queue, since the ring may be among them; nor for a ring
that was owed while the broker was away, since it may be lost. Honest limit: a queue that never empties hides a silent
beat.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from deferapp.alerts import life
from deferapp.dispatch.broker import broker, is_in_memory
from deferapp.models import AlertKind
from deferapp.schedules import TICK, silence

logger = logging.getLogger("deferapp.alerts")


def watch(*, may_open: bool) -> None:
    """Open the alert, or close it. One query as long as beat owes nothing, and another if it does."""
    if is_in_memory():
        return
    if silence.owed_since() is None:
        life.close_alert(AlertKind.BEAT_SILENT)
    elif not life.is_open(AlertKind.BEAT_SILENT) and _has_come_through():
        since = silence.silent_since()
        if since is not None and may_open:
            life.open_alert(AlertKind.BEAT_SILENT, _text(since))


def _has_come_through() -> bool:
    """Whether a ring, if beat had sent one, would have come to a worker by now."""
    try:
        return broker.waiting(TICK) == 0
    except Exception as error:
        logger.warning("Whether beat rings cannot be said while the broker is away: %r", error)
        silence.forgive()
        return False


def _text(since: datetime) -> str:
    return _(
        "No ring of beat has come since %(since)s UTC, when a schedule was due. Schedules go on, fired by the workers. "
        "Look whether `celery beat` runs, with django-celery-beat's scheduler and the broker of the workers."
    ) % {"since": f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}"}
