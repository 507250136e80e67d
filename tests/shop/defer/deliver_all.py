from deferapp import current_execution, defer
from tests.shop.defer.deliver import deliver
from tests.shop.defer.note import note
from tests.shop.retries import SHORT


@defer(retry=SHORT)
def deliver_all(label: str, count: int) -> None:
    """Fan out and say what comes after; the first attempt fails then, so that all of it is said twice."""
    deliver.starmap((label, number) for number in range(count)).then(note, f"{label} delivered")
    if current_execution().attempt == 1:
        raise RuntimeError("after the fan-out")
