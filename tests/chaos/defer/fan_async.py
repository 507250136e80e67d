from deferapp import defer
from tests.chaos.defer.leaf import leaf
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT)
async def fan_async(label: str, count: int, stop_at: int) -> None:
    """Enqueue `count` children; the first attempt raises before number `stop_at`."""
    with body() as execution:
        for number in range(count):
            if execution.attempt == 1 and number == stop_at:
                raise RuntimeError("in the middle of the fan-out")
            await leaf(label, number)
