from deferapp import defer
from tests.shop import witness


@defer
def line(number: int) -> None:
    """Work that the outside world sees: a line of the witness file."""
    witness.tell(str(number))
