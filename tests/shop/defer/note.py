from deferapp import defer
from tests.shop import witness


@defer
def note(text: str) -> str:
    witness.tell(text)
    return text
