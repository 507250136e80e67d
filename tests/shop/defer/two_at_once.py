from deferapp import current_execution, defer
from tests.shop import gates
from tests.shop.occupied import occupied


@defer(concurrency=2)
def two_at_once(label: str, gate: str) -> None:
    """The first attempt waits at the gate, if one is named."""
    with occupied(label):
        if gate and current_execution().attempt == 1:
            gates.wait(gate)
