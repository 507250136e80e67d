from benchmarks import bodies
from deferapp import defer


@defer
def touch(number: int) -> None:
    bodies.touch(number)
