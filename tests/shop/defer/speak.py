import logging
import threading

from deferapp import defer
from tests.shop import gates, witness

logger = logging.getLogger(__name__)


@defer
def speak(label: str) -> None:
    """Log in all ways there are, and wait at the gate."""
    logger.info("for %s, with password=%s", label, "hunter2")
    print("printed")
    thread = threading.Thread(target=logger.warning, args=("by a thread",))
    thread.start()
    thread.join()
    witness.tell(f"{label} has spoken")
    gates.wait(label)
    logger.info("the end")
