from deferapp import defer


@defer
def add(first: int, second: int) -> int:
    return first + second
