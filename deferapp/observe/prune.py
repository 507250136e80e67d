"""Taking away failures of observed tasks: of each task the latest are kept, for as long as executions that failed."""

from __future__ import annotations

from typing import Final

from deferapp.clock import now
from deferapp.executions import prune as executions
from deferapp.executions.states import State
from deferapp.models import ObservedFailure, ledger

KEPT: Final = 50
"""Failures of a task."""


def prune() -> None:
    rows = ObservedFailure.objects.using(ledger())
    for function in rows.order_by().values_list("function", flat=True).distinct():
        of_task = rows.filter(function=function)
        too_many = of_task.order_by("-id").values_list("id", flat=True)[KEPT : KEPT + 1]
        for latest in too_many:
            of_task.filter(id__lte=latest).delete()
    if kept := executions.retention().get(State.FAILED):
        rows.filter(ended_at__lt=now() - kept).delete()
