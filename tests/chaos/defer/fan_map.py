from deferapp import defer
from tests.chaos.defer.after import after
from tests.chaos.defer.leaf import leaf
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT)
def fan_map(label: str, count: int) -> None:
    """Enqueue `count` children together, and what comes after them."""
    with body():
        leaf.starmap((label, number) for number in range(count)).then(after, label)
