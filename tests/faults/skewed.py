"""Settings of a machine whose clock is 90 seconds ahead: deferapp's is set before anything takes it by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from deferapp import clock
from tests.settings import *  # noqa: F403

AHEAD = timedelta(seconds=90)


def _now() -> datetime:
    return datetime.now(UTC) + AHEAD


clock.now = _now
