import time

from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT)
def leaf(label: str, number: int) -> None:
    with body():
        time.sleep(0.01 + number % 5 / 100)
