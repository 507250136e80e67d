import asyncio

from deferapp import defer
from tests.shop.occupied import BODY_SECONDS, occupied


@defer(concurrency=3)
async def three_at_once_async(label: str) -> None:
    with occupied(label):
        await asyncio.sleep(BODY_SECONDS)
