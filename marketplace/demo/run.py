"""Runs the weekly job now and watches the ledger until the job and all that it enqueued have ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q, QuerySet

from deferapp.models import Execution
from marketplace.defer.weekly_product_recommendations import weekly_product_recommendations

LOOK_EVERY: Final = 0.2
"""Seconds between two looks at the ledger."""
PATIENCE: Final = 900.0
"""Seconds without any change after which the run is given up. A retry may wait for ten minutes."""


class Stuck(Exception):
    """Nothing has happened in the ledger for a quarter of an hour."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What the ledger says of one run: the job and its children."""

    executions: int
    succeeded: int
    ended: int
    parent_ended: bool

    @property
    def is_over(self) -> bool:
        return self.parent_ended and self.ended == self.executions

    @property
    def failed(self) -> int:
        """How many ended in any other way than by success."""
        return self.ended - self.succeeded


def run_weekly_job(watch: Callable[[Progress], None]) -> tuple[Progress, float]:
    """The end of the run, and how many seconds it took. Needs a worker. Raises `Stuck`."""
    begin = changed = time.monotonic()
    parent = weekly_product_recommendations.run_now()
    last = None
    while True:
        progress = _look(parent)
        watch(progress)
        if progress.is_over:
            return progress, time.monotonic() - begin
        if progress != last:
            last, changed = progress, time.monotonic()
        if time.monotonic() - changed > PATIENCE:
            raise Stuck
        time.sleep(LOOK_EVERY)


def _look(parent: Execution) -> Progress:
    # The parent is asked first: once it has ended, no further child can appear between the two questions.
    parent_ended = Execution.objects.filter(pk=parent.pk, ended_at__isnull=False).exists()
    run: QuerySet[Execution] = Execution.objects.filter(Q(pk=parent.pk) | Q(parent_id=parent.pk))
    ended = Q(ended_at__isnull=False)
    counts = run.aggregate(
        executions=Count("pk"), succeeded=Count("pk", filter=Q(state="succeeded")), ended=Count("pk", filter=ended)
    )
    return Progress(parent_ended=parent_ended, **counts)
