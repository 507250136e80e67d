"""Answers of HTTP servers, as requests, httpx and urllib raise them.

A 4xx says that the request will not do, however often it is made, but for those of `PASSING`. A server that answers
with `Retry-After` says that it will: 429 and 503 do as a rule, and some APIs 403 and 413.
"""

from __future__ import annotations

from typing import Any, Final

from deferapp.clock import now
from deferapp.executions.endings.errors import retry_after
from deferapp.executions.endings.errors.libraries import is_a
from deferapp.executions.endings.errors.verdict import PERMANENT, TRANSIENT, Verdict

PASSING: Final = frozenset({408, 425, 429})
"""Request Timeout, Too Early, Too Many Requests."""


def verdict(error: BaseException) -> Verdict | None:
    """What the error says; None if it is not about HTTP, or says nothing."""
    if is_a(error, "requests.exceptions.HTTPError", "httpx.HTTPStatusError"):
        response = getattr(error, "response", None)
        return of_answer(getattr(response, "status_code", None), getattr(response, "headers", None))
    if is_a(error, "urllib.error.HTTPError"):
        return of_answer(getattr(error, "code", None), getattr(error, "headers", None))
    never_answered = (
        "requests.exceptions.ConnectionError",
        "requests.exceptions.Timeout",
        "httpx.TransportError",
        "urllib.error.URLError",
    )
    return TRANSIENT if is_a(error, *never_answered) else None


def of_answer(status: object, headers: Any) -> Verdict | None:
    """What an answer with this status and these headers says about the next one."""
    if not isinstance(status, int) or status < 400:
        return None
    wait = retry_after.parse(headers.get("Retry-After"), now()) if headers else None
    if wait is not None:
        return Verdict(retry_after=wait, is_postponed=True)
    return PERMANENT if status < 500 and status not in PASSING else TRANSIENT
