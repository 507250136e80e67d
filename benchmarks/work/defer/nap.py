from benchmarks import bodies
from deferapp import defer


@defer
async def nap(number: int) -> None:
    await bodies.anap(number)
