from deferapp import defer
from tests.shop import witness


@defer
def mail(number: int) -> None:
    witness.tell(f"mail {number}")
