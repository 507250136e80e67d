from deferapp import defer
from tests.shop.occupied import occupied, stay


@defer(concurrency=3)
def three_at_once(label: str) -> None:
    with occupied(label):
        stay(label, 3)
