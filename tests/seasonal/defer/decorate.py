from deferapp import defer
from tests.shop import witness


@defer
def decorate(text: str) -> None:
    witness.tell(text)
