"""The header `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = timedelta(days=1)
"""A server that asks for more is asked again after a day."""
SHORTEST: Final = timedelta(seconds=1)
"""A server that asks for less, as with `Retry-After: 0`, would be asked in a tight loop."""

_SECONDS: Final = re.compile(r"[0-9]{1,9}")


def parse(value: object, now: datetime) -> timedelta | None:
    """How long to wait from `now`; None for what is missing, means nothing, or lies in the past."""
    text = value.strip() if isinstance(value, str) else ""
    wait = timedelta(seconds=int(text)) if _SECONDS.fullmatch(text) else _until(text, now)
    if wait is None or wait < timedelta():
        return None
    return min(max(wait, SHORTEST), LONGEST)


def _until(text: str, now: datetime) -> timedelta | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # "-0000" says that the zone is unknown, and Python leaves it out; HTTP dates are in UTC.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
