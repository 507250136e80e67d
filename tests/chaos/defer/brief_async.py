import asyncio

from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT)
async def brief_async(number: int) -> None:
    with body():
        await asyncio.sleep(0.1 + number % 10 / 10)
