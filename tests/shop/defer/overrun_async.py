from deferapp import defer
from tests.shop import gates, witness


@defer(max_duration=1, retry=0)
async def overrun_async(label: str) -> None:
    try:
        await gates.await_(label)
    finally:
        witness.tell(f"{label} left")
