import time

from deferapp import defer
from tests.shop.occupied import BODY_SECONDS, occupied


@defer(concurrency=3)
def three_at_once(label: str) -> None:
    with occupied(label):
        time.sleep(BODY_SECONDS)
