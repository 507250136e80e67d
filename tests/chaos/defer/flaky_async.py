import asyncio

from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT)
async def flaky_async(number: int) -> None:
    """Fail up to twice."""
    with body() as execution:
        await asyncio.sleep(0.05)
        if execution.attempt <= number % 3:
            raise ConnectionError("not yet")
