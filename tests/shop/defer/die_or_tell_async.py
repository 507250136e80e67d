import asyncio

from deferapp import defer
from tests.shop import witness
from tests.shop.dying import die


@defer(retry={"max_attempts": 2, "initial_interval": 0})
async def die_or_tell_async(label: str, number: int, way: str) -> None:
    """Do what `die_or_tell` does, when the others of its list have begun."""
    await asyncio.sleep(0.1)
    die(way)
    await asyncio.sleep(0.3)
    witness.tell(f"{label} {number}")
