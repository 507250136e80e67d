import contextlib
import time

from deferapp import defer
from tests.shop import gates


@defer(max_duration=1, retry=0)
def stubborn(label: str) -> None:
    """Stay until the gate opens, whatever comes."""
    ends = time.monotonic() + gates.LIMIT_SECONDS
    while not gates.is_open(label) and time.monotonic() < ends:
        with contextlib.suppress(BaseException):
            time.sleep(gates.POLL_SECONDS)
