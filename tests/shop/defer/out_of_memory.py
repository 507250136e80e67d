from deferapp import defer


@defer(retry=0)
def out_of_memory() -> None:
    raise MemoryError("no room for the catalogue")
