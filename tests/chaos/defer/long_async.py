import asyncio

from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT)
async def long_async(seconds: float) -> None:
    """Take longer than a silent worker has before it is taken for dead."""
    with body():
        await asyncio.sleep(seconds)
