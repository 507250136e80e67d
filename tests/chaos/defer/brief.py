import time

from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT)
def brief(number: int) -> None:
    with body():
        time.sleep(0.01 + number % 10 / 50)
