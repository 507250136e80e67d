import asyncio

from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT, concurrency=1)
async def one_async(number: int) -> None:
    with body():
        await asyncio.sleep(0.1)
