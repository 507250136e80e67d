from deferapp import defer


@defer(retry=0)
def fail(street: str) -> None:
    raise LookupError(f"no street {street}")
