"""What is wrong now, on top of the page: open alerts, and what the ledger itself shows at a look."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from deferapp.admin.display import span
from deferapp.admin.values import line
from deferapp.dashboard.load import Load
from deferapp.dashboard.viewer import Viewer
from deferapp.dashboard.words import brief
from deferapp.models import Alert, ledger
from deferapp.visible import visible

SHOWN: Final = 5


def alerts(viewer: Viewer, moment: datetime) -> dict[str, Any]:
    """Open alerts for the template, the newest first. One query."""
    rows = Alert.objects.using(ledger()).filter(open_key__isnull=False).order_by("-opened_at")[: SHOWN + 1]
    found = list(rows)
    return {
        "rows": [_alert(alert, viewer, moment) for alert in found[:SHOWN]],
        "has_more": len(found) > SHOWN,
        "url": viewer.page("alert_changelist"),
        "kinds": {alert.kind for alert in found},
    }


def _alert(alert: Alert, viewer: Viewer, moment: datetime) -> dict[str, Any]:
    return {
        "title": capfirst(visible(str(alert))),
        "text": line(alert.text),
        "count": alert.count if alert.count > 1 else None,
        "since": _("for %(time)s") % {"time": brief(moment - alert.opened_at)},
        "url": viewer.page("alert_change", alert.pk),
    }


def without_worker(load: Load) -> str:
    """What to say when nobody does the work; empty when somebody does."""
    if load.scene.readers:
        return ""
    if load.scene.living:
        return _("No worker takes work: the last one is ending. What is enqueued is kept, and waits.")
    if load.scene.workers:
        silence = span(load.scene.silence(load.scene.workers[0]))
        return _("No worker is running; the last one was heard %(time)s ago. What is enqueued is kept, and waits.") % {
            "time": silence
        }
    return _("No worker is running. What is enqueued is kept, and waits.")
