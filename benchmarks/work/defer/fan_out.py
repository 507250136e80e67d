from benchmarks.work.defer.touch import touch
from deferapp import defer


@defer
async def fan_out(count: int) -> None:
    """The loop that a parent of many children is."""
    for number in range(count):
        await touch(number)
