from deferapp import defer


@defer(concurrency=50)
def limited(number: int) -> None:
    """Work under a limit."""
