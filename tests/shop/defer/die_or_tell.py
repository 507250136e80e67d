import os
import signal

from deferapp import defer
from tests.shop import witness


@defer(retry={"max_attempts": 1, "initial_interval": 0})
def die_or_tell(label: str, number: int, way: str) -> None:
    """Tell the witness, and then end the process in one of the ways, if one is named."""
    witness.tell(f"{label} {number}")
    if way == "exit":
        os._exit(3)
    if way == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
