from deferapp import defer
from tests.shop.defer.labour import labour
from tests.shop.retries import SHORT


@defer(retry=SHORT)
async def labour_all_async(label: str, count: int, seconds: float) -> None:
    """The same in async code."""
    for number in range(count):
        await labour(label, number, seconds)
