"""Settings of a machine whose clock is so many seconds ahead as AHEAD_SECONDS says.

deferapp's clock is set before anything takes it by name.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from deferapp import clock
from tests.settings import *  # noqa: F403

AHEAD = timedelta(seconds=int(os.environ["AHEAD_SECONDS"]))


def _now() -> datetime:
    return datetime.now(UTC) + AHEAD


clock.now = _now
