"""A function that says something, and fails for negative numbers."""

from __future__ import annotations

import logging

from deferapp import defer
from tests.watched.tasks import send

logger = logging.getLogger("tests.watched")


@defer(retry=False)
def work(number: int) -> None:
    logger.info("working on %d", number)
    if number < 0:
        raise LookupError("nothing there")
    send.delay(number)
