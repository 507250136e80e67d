import contextlib
import time

from deferapp import defer
from tests.shop import gates, witness


@defer(max_duration=1, retry=0)
def overrun(label: str) -> None:
    """Stay until the gate opens, whatever `Exception` comes."""
    ends = time.monotonic() + gates.LIMIT_SECONDS
    try:
        while not gates.is_open(label) and time.monotonic() < ends:
            with contextlib.suppress(Exception):
                time.sleep(gates.POLL_SECONDS)
    finally:
        witness.tell(f"{label} left")
