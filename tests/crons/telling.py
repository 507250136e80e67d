"""What the schedules' functions tell the witness: `<name> <execution's id> <seconds since 1970>`."""

import time

from deferapp import current_execution
from tests.shop import witness


def tell_run() -> None:
    execution = current_execution()
    assert execution is not None
    witness.tell(f"{execution.function.rpartition('.')[2]} {execution.id} {time.time():.3f}")
