import asyncio

from deferapp import current_execution, defer
from tests.shop import witness
from tests.shop.defer.mail import mail
from tests.shop.retries import SHORT


@defer(retry=SHORT)
async def mail_all(total: int, stop_at: int, stop: str) -> None:
    """Enqueue `total` children. The first attempt stops before number `stop_at`: it raises, or hangs."""
    attempt = current_execution().attempt
    for number in range(total):
        if attempt == 1 and number == stop_at:
            witness.tell(f"stopped: {stop}")
            if stop == "raise":
                raise RuntimeError("in the middle of the fan-out")
            await asyncio.Event().wait()
        await mail(number)
