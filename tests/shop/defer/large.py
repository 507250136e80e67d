from deferapp import defer


@defer
def large(size: int) -> str:
    return "x" * size
