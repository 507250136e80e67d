from deferapp import defer
from tests.shop.defer.labour import labour
from tests.shop.retries import SHORT


@defer(retry=SHORT)
def labour_all(label: str, count: int, seconds: float) -> None:
    """The parent of so many."""
    for number in range(count):
        labour(label, number, seconds)
