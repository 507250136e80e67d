"""Who did what with an execution or a schedule: Django's log entries of it."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.db.models import Model

from deferapp.admin.display import moment
from deferapp.visible import visible

SHOWN: Final = 20


def context(row: Model) -> list[dict[str, Any]]:
    """What people did, the latest first."""
    entries = LogEntry.objects.filter(
        content_type=get_content_type_for_model(row), object_id=str(row.pk)
    ).select_related("user")
    return [
        {
            "at": moment(entry.action_time, with_zone=True),
            "who": visible(str(entry.user)),
            "what": visible(entry.get_change_message()),
        }
        for entry in entries.order_by("-action_time")[:SHOWN]
    ]
