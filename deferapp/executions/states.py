"""The states of an execution and the moves between them, written down once.

`life` moves executions in the database and only through this table.
"""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class State(models.TextChoices):
    CREATED = "created", _("created")
    # Other languages have one word for what runs, and another for when it began.
    STARTED = "started", pgettext_lazy("state", "started")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    ABORTING = "aborting", _("aborting")
    ABORTED = "aborted", _("aborted")
    DISCARDED = "discarded", _("discarded")


MOVES: Final[frozenset[tuple[State, State]]] = frozenset(
    {
        (State.CREATED, State.STARTED),
        (State.CREATED, State.CANCELLED),
        (State.CREATED, State.DISCARDED),
        (State.STARTED, State.SUCCEEDED),
        (State.STARTED, State.FAILED),
        (State.STARTED, State.ABORTING),
        (State.ABORTING, State.ABORTED),
        (State.FAILED, State.CREATED),
        # Given back: claimed, but its body has not begun, so the attempt does not count.
        (State.STARTED, State.CREATED),
    }
)

ENDED: Final = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.ABORTED, State.DISCARDED})


class ErrorCode(models.TextChoices):
    """Why an attempt failed, with the codes of Defer and one of ours."""

    INTERNAL = "ER0000", _("internal error")
    TIMEOUT = "ER0001", _("took longer than it may")
    OUT_OF_MEMORY = "ER0002", _("out of memory")
    FUNCTION_FAILED = "ER0003", _("the function failed")
    LOST = "ER0004", _("lost: its worker died")
