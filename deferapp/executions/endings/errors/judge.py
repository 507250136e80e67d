"""The verdict on an error that a function raised.

The error speaks for itself, or else the one that it was raised `from`, and so on. An error that was merely being
handled when another came up (`__context__`) is believed when it says when to come back, and never ends an execution:
the other may be a mistake in the handling.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final

from deferapp.exceptions import ResultError
from deferapp.executions.endings.errors import http, mail
from deferapp.executions.endings.errors.verdict import PERMANENT, TRANSIENT, Verdict
from deferapp.executions.endings.errors.wishes import GiveUp, Retry
from deferapp.functions.config import ErrorTypes

logger = logging.getLogger("deferapp.executions")

NETWORK: Final = (ConnectionError, TimeoutError)


def judge(error: BaseException, *, retry_on: ErrorTypes = (), give_up_on: ErrorTypes = ()) -> Verdict:
    """Whether another attempt can help, and when. Never raises: what cannot be judged may pass.

    `give_up_on` and `retry_on` are the function's own, and go before what is known of libraries.
    """
    try:
        return _Judge(retry_on, give_up_on).verdict(error)
    except Exception:
        logger.warning("A %s cannot be judged and is retried", type(error).__qualname__, exc_info=True)
        return TRANSIENT


class _Judge:
    def __init__(self, retry_on: ErrorTypes, give_up_on: ErrorTypes) -> None:
        self._retry_on = retry_on
        self._give_up_on = give_up_on

    def verdict(self, error: BaseException) -> Verdict:
        opinions = (self._opinion(each) for each in _chain(error, _cause))
        verdict = next((opinion for opinion in opinions if opinion), TRANSIENT)
        if verdict.is_permanent or verdict.retry_after is not None:
            return verdict
        answers = (http.verdict(each) or mail.verdict(each) for each in _chain(error, _cause_or_context))
        return next((answer for answer in answers if answer and answer.is_postponed), verdict)

    def _opinion(self, error: BaseException) -> Verdict | None:
        if isinstance(error, Retry):
            return Verdict(retry_after=error.after)
        if isinstance(error, (GiveUp, self._give_up_on)):
            return PERMANENT
        if isinstance(error, self._retry_on):
            return TRANSIENT
        if isinstance(error, BaseExceptionGroup):
            return _together([self.verdict(each) for each in error.exceptions])
        if isinstance(error, ResultError):
            return PERMANENT
        return mail.verdict(error) or http.verdict(error) or (TRANSIENT if isinstance(error, NETWORK) else None)


def _together(verdicts: list[Verdict]) -> Verdict:
    """The verdict on a group: permanent if all are, or else the longest wait that is asked for."""
    passing = [verdict for verdict in verdicts if not verdict.is_permanent]
    if not passing:
        return PERMANENT
    waits = [(verdict.retry_after, number) for number, verdict in enumerate(passing) if verdict.retry_after is not None]
    return passing[max(waits)[1]] if waits else TRANSIENT


def _chain(error: BaseException, before: Callable[[BaseException], BaseException | None]) -> Iterator[BaseException]:
    """The error, the one before it, and so on; each once, since chains can be rings."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        yield link
        seen.add(id(link))
        link = before(link)


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__


def _cause_or_context(error: BaseException) -> BaseException | None:
    # `raise … from …` sets `__suppress_context__`, with `from None` too.
    return error.__cause__ if error.__suppress_context__ else error.__context__
