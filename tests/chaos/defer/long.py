import time

from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT)
def long(seconds: float) -> None:
    """Take longer than a silent worker has before it is taken for dead."""
    with body():
        time.sleep(seconds)
