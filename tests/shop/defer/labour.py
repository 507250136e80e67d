import time

from deferapp import defer
from tests.shop import witness
from tests.shop.places import place
from tests.shop.retries import SHORT


@defer(retry=SHORT)
def labour(label: str, number: int, seconds: float) -> None:
    """Tell when it begins, and where; its effect is the line in the end."""
    witness.tell(f"{label} {number} begun in {place()} at {time.monotonic()}")
    time.sleep(seconds)
    witness.tell(f"{label} {number}")
