from deferapp import defer
from tests.shop import gates, witness


@defer
def stay(label: str) -> str:
    """Wait at the gate."""
    witness.tell(f"{label} begun")
    try:
        gates.wait(label)
    finally:
        witness.tell(f"{label} left")
    return label
