"""Who did what with an execution: Django's log entries of it, and what is written into them."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model

from deferapp.admin.display import moment
from deferapp.models import Execution
from deferapp.visible import visible

SHOWN: Final = 20


def context(execution: Execution) -> list[dict[str, Any]]:
    """What people did, the latest first."""
    entries = LogEntry.objects.filter(
        content_type=get_content_type_for_model(execution), object_id=str(execution.pk)
    ).select_related("user")
    return [
        {
            "at": moment(entry.action_time, with_zone=True),
            "who": visible(str(entry.user)),
            "what": visible(entry.get_change_message()),
        }
        for entry in entries.order_by("-action_time")[:SHOWN]
    ]
