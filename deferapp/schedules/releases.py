"""Which code is in effect, as far as schedules go, while workers of an old and a new release run side by side.

Each set of schedules that came into effect is remembered. A worker that starts with one that another has replaced runs
old code, and leaves schedules as they are; `manage.py migrate` is how an operator says that older code is meant. Limit:
releases that declare the same cannot be told apart, and need not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from deferapp.fields import DatabaseNow
from deferapp.models import DeclaredSet, ledger

if TYPE_CHECKING:
    from deferapp.functions.function import ScheduledFunction


def may_take_effect(functions: Iterable[ScheduledFunction[..., Any]], *, is_meant: bool) -> bool:
    """Let what this code declares be in effect from now on; False if it has been replaced, unless it `is_meant`."""
    fingerprint = _fingerprint(functions)
    known = DeclaredSet.objects.using(ledger())
    latest = known.order_by("-declared_at", "-id").values_list("fingerprint", flat=True).first()
    if latest == fingerprint:
        return True
    if not is_meant and known.filter(fingerprint=fingerprint).exists():
        return False
    known.update_or_create(fingerprint=fingerprint, defaults={"declared_at": DatabaseNow()})
    return True


def _fingerprint(functions: Iterable[ScheduledFunction[..., Any]]) -> str:
    declared = sorted([function.name, str(function.frequency), function.catch_up] for function in functions)
    return hashlib.sha256(json.dumps(declared).encode()).hexdigest()[:32]
