import time

from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT, concurrency=2)
def two_at_once(number: int) -> None:
    with body():
        time.sleep(0.15)
