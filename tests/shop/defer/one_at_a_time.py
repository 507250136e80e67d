from deferapp import defer
from tests.shop import gates, witness


@defer(concurrency=1)
def one_at_a_time(label: str, number: int) -> None:
    """Number 0 waits at the gate."""
    witness.tell(f"{label} {number}")
    if number == 0:
        gates.wait(label)
