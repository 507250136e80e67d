import time

from deferapp import defer
from tests.shop import gates, witness
from tests.shop.places import place
from tests.shop.retries import SHORT


@defer(retry=SHORT)
def labour(label: str, number: int, seconds: float, gate: str = "") -> None:
    """Tell when it begins, and where; its effect is the line in the end. Between, it may wait at a gate."""
    witness.tell(f"{label} {number} begun in {place()} at {time.monotonic()}")
    if gate:
        gates.wait(gate)
    time.sleep(seconds)
    witness.tell(f"{label} {number}")
