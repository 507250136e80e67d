import asyncio
import time

from deferapp import defer
from tests.shop import gates, witness
from tests.shop.places import place
from tests.shop.retries import SHORT


@defer(retry=SHORT)
async def labour_async(label: str, number: int, seconds: float, gate: str = "") -> None:
    """Do what `labour` does, together with others."""
    witness.tell(f"{label} {number} begun in {place()} at {time.monotonic()}")
    if gate:
        await gates.await_(gate)
    await asyncio.sleep(seconds)
    witness.tell(f"{label} {number}")
