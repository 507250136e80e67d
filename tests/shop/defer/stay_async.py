from deferapp import defer
from tests.shop import gates, witness


@defer
async def stay_async(label: str) -> str:
    """Wait at the gate."""
    witness.tell(f"{label} begun")
    try:
        await gates.await_(label)
    finally:
        witness.tell(f"{label} left")
    return label
