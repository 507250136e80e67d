from deferapp import defer


@defer
def empty(number: int) -> None:
    """Work that costs nothing: what is measured is all the rest."""
