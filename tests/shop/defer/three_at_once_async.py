import asyncio

from deferapp import defer
from tests.shop.occupied import occupied, stay


@defer(concurrency=3)
async def three_at_once_async(label: str) -> None:
    with occupied(label):
        await asyncio.to_thread(stay, label, 3)
