import time

from deferapp import defer
from tests.shop import witness
from tests.shop.retries import SHORT


@defer(retry=SHORT)
def parcel(label: str, number: int) -> None:
    """A job that takes a moment, so that something can happen while many are waiting."""
    witness.tell(f"{label} {number}")
    time.sleep(0.04)
