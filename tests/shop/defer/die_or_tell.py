from deferapp import defer
from tests.shop import witness
from tests.shop.dying import die


@defer(retry={"max_attempts": 2, "initial_interval": 0})
def die_or_tell(label: str, number: int, way: str) -> None:
    """Tell the witness, and then end the process in one of the ways, if one is named."""
    witness.tell(f"{label} {number}")
    die(way)
