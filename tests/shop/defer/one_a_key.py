import time

from deferapp import defer
from tests.shop.occupied import BODY_SECONDS, occupied


@defer(concurrency=1, concurrency_key="key")
def one_a_key(label: str, key: str) -> None:
    with occupied(f"{label} {key}"):
        time.sleep(BODY_SECONDS)
