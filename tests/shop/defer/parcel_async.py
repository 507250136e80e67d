import asyncio

from deferapp import defer
from tests.shop import witness
from tests.shop.retries import SHORT


@defer(retry=SHORT)
async def parcel_async(label: str, number: int) -> None:
    """A job that takes a moment, so that something can happen while many are in flight."""
    witness.tell(f"{label} {number}")
    await asyncio.sleep(0.4)
