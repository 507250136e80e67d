from deferapp import defer
from tests.shop import gates


@defer(retry=0)
def deliver(label: str, number: int) -> int:
    """Fail for every third number, until the gate is open."""
    if number % 3 == 0 and not gates.is_open(label):
        raise ConnectionError(f"no way to {number}")
    return number
