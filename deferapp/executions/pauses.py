"""Paused functions: they accept work and hold it. What runs goes on; `life.claim` starts nothing more."""

from __future__ import annotations

from django.db.models import F

from deferapp.clock import now
from deferapp.executions.states import State
from deferapp.models import Execution, PausedFunction, ledger
from deferapp.models.locking import update_in_order


def pause(function: str) -> None:
    """Hold a function's executions from now on. Harmless to repeat."""
    rows = PausedFunction.objects.using(ledger())
    rows.bulk_create([PausedFunction(function=function, paused_at=now())], ignore_conflicts=True)


def resume(function: str) -> None:
    """Run what was held, all of it."""
    PausedFunction.objects.using(ledger()).filter(function=function).delete()
    held = Execution.objects.using(ledger()).filter(function=function, state=State.CREATED)
    update_in_order(held.filter(dispatch_at__gt=F("due_at")), dispatch_at=F("due_at"))


def keep_paused(function: str) -> bool:
    """Whether a function is paused, which it then stays until the transaction ends. (An UPDATE locks everywhere.)"""
    return PausedFunction.objects.using(ledger()).filter(function=function).update(function=function) > 0


def is_paused(function: str) -> bool:
    return PausedFunction.objects.using(ledger()).filter(function=function).exists()
