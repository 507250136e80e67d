"""Executions that have to start before a moment, `discard_at`, and did not. Those that have started may be retried."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q


def expired(moment: datetime) -> Q:
    return Q(attempt=0, discard_at__lte=moment)
