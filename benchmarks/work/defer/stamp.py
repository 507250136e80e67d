from benchmarks import bodies
from deferapp import defer


@defer
def stamp(number: int) -> None:
    bodies.stamp(number)
