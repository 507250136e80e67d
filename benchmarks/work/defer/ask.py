from benchmarks import bodies
from deferapp import defer


@defer
async def ask(number: int) -> None:
    await bodies.aask(number)
